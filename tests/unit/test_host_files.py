"""The collectors `memory`, `network`, `disk` and `load` on texts of /proc."""

from __future__ import annotations

from exporter import __version__
from exporter.collectors import host_disk, host_load, host_memory, host_network
from tests.unit.sampled import values

NET = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes packets errs
    lo:    3193      29    0    0    0     0          0         0  3193 29 0 0 0 0 0 0
  eth0: 9007199254740993 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16
"""
DISKS = """\
   7       0 loop0 1 0 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 90917 26979 3735026 20940 34925 39180 4354160 9708 3 14192 31143 \
9125 24 782728 443 4583 50
 254       1 vda1 1 2 3 4 5 6 7 8 9 10 11
 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
 259       1 nvme0n1p1 1 2 3 4 5 6 7 8 9 10 11
   8       0 sda 1 2 3 4 5 6 7 8 9 10 11
 253       0 zram0 1 2 3 4 5 6 7 8 9 10 11
 252       0 dm-0 1 2 3 4 5 6 7 8 9 10 11
"""
UDEV = """\
S:disk/by-id/virtio-1
E:ID_PATH=pci-0000:00:05.0
E:ID_SERIAL=virtio-1
E:ID_MODEL=A=B
"""


def test_memory_is_in_bytes_and_huge_pages_are_counted() -> None:
    text = (
        "MemTotal:       24684096 kB\nActive(anon):     1 kB\n"
        "HugePages_Total:       3\nHugepagesize:       2048 kB\nNovelty:   5 kB\n"
    )
    paging = host_memory.parse_paging("nr_free_pages 7\npgmajfault 10424\n")
    rows = host_memory.Memory(host_memory.parse(text), paging)
    assert values(host_memory.samples(rows, None)) == {
        "node_vmstat_pgmajfault": {(): 10424},
        "node_memory_MemTotal_bytes": {(): 24684096 * 1024},
        "node_memory_Active_anon_bytes": {(): 1024},
        "node_memory_HugePages_Total": {(): 3},
        "node_memory_Hugepagesize_bytes": {(): 2048 * 1024},
    }


def test_network_devices_show_every_column() -> None:
    rows = host_network.Network(host_network.parse(NET), {})
    found = values(host_network.samples(rows, None))
    assert len(found) == len(host_network.METRICS) == 16
    assert found["node_network_receive_bytes_total"] == {
        ("lo",): 3193,
        ("eth0",): 9007199254740993,
    }
    assert found["node_network_receive_multicast_total"][("eth0",)] == 8
    assert found["node_network_transmit_bytes_total"][("eth0",)] == 9
    assert found["node_network_transmit_carrier_total"][("eth0",)] == 15
    assert found["node_network_transmit_compressed_total"][("eth0",)] == 16


SYS = "sys/class/net"


def test_a_network_device_says_whether_it_is_up_and_how_fast() -> None:
    texts = {
        f"{SYS}/eth0/operstate": "up\n",
        f"{SYS}/eth0/speed": "10000\n",
        f"{SYS}/eth0/statistics/rx_nohandler": "3\n",
        f"{SYS}/lo/operstate": "unknown\n",
        f"{SYS}/lo/speed": "-1\n",
    }
    rows = host_network.Network(host_network.parse(NET), texts)
    found = values(host_network.samples(rows, None))
    assert found["node_network_up"] == {("eth0",): 1, ("lo",): 0}
    assert found["node_network_speed_bytes"] == {("eth0",): 1.25e9}
    assert found["node_network_receive_nohandler_total"] == {("eth0",): 3}


def test_a_bond_says_how_many_of_its_devices_are_up() -> None:
    texts = {
        f"{SYS}/bonding_masters": "bond0 bond1\n",
        f"{SYS}/bond0/bonding/slaves": "eth0 eth1\n",
        f"{SYS}/eth0/bonding_slave/mii_status": "up\n",
        f"{SYS}/eth1/bonding_slave/mii_status": "down\n",
    }
    found = values(host_network.samples(host_network.Network({}, texts), None))
    assert found["node_bonding_slaves"] == {("bond0",): 2, ("bond1",): 0}
    assert found["node_bonding_active"] == {("bond0",): 1, ("bond1",): 0}


def test_whole_disks_are_shown_and_parts_of_them_are_not() -> None:
    names = [disk.name for disk in host_disk.parse(DISKS)]
    assert names == ["vda", "nvme0n1", "sda", "dm-0"]


def test_a_disk_shows_bytes_and_seconds() -> None:
    found = values(host_disk.samples(host_disk.parse(DISKS), None))
    shown = {name: family.get(("vda",)) for name, family in found.items()}
    assert shown["node_disk_reads_completed_total"] == 90917
    assert shown["node_disk_read_bytes_total"] == 3735026 * 512
    assert shown["node_disk_read_time_seconds_total"] == 20.94
    assert shown["node_disk_written_bytes_total"] == 4354160 * 512
    assert shown["node_disk_io_now"] == 3
    assert shown["node_disk_io_time_seconds_total"] == 14.192
    assert shown["node_disk_io_time_weighted_seconds_total"] == 31.143
    assert shown["node_disk_discarded_sectors_total"] == 782728
    assert shown["node_disk_flush_requests_time_seconds_total"] == 0.05


def test_what_an_old_kernel_does_not_count_is_absent() -> None:
    found = values(host_disk.samples(host_disk.parse(DISKS), None))
    assert ("sda",) not in found["node_disk_discards_completed_total"]
    assert ("nvme0n1",) in found["node_disk_discards_completed_total"]
    assert ("nvme0n1",) not in found["node_disk_flush_requests_total"]


def test_a_disk_says_what_udev_knows() -> None:
    disk = host_disk.parse(DISKS)[0]._replace(
        properties=host_disk.properties(UDEV), rotational="0"
    )
    ((labels, value),) = values(host_disk.samples([disk], None))[
        "node_disk_info"
    ].items()
    assert value == 1
    assert dict(zip(host_disk.INFO.labels, labels, strict=True)) == {
        "device": "vda",
        "major": "254",
        "minor": "0",
        "path": "pci-0000:00:05.0",
        "wwn": None,
        "model": "A=B",
        "serial": "virtio-1",
        "revision": None,
        "rotational": "0",
    }


def test_load_and_kernel_are_shown() -> None:
    names = ("Linux", "6.18.44", "#1 SMP", "x86_64", "vm", "(none)")
    assert values(host_load.samples(host_load.Load((0.5, 0.75, 0.6), names), None)) == {
        "node_load1": {(): 0.5},
        "node_load5": {(): 0.75},
        "node_load15": {(): 0.6},
        "node_uname_info": {names: 1},
        "node_exporter_build_info": {(*[None] * 6, __version__): 1},
        "node_textfile_scrape_error": {(): 0},
    }
