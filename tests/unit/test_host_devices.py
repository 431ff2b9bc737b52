"""Software RAID, sensors of temperature and units of systemd, from fixed texts."""

from __future__ import annotations

from exporter.collectors import host_raid, host_systemd, host_temperature
from exporter.sources.host_systemd import Unit
from tests.unit.sampled import values

MDSTAT = """\
Personalities : [raid1] [raid6] [raid0]
md3 : active raid6 sda1[8] sdb1[7] sdc1[6](F) sdd1[5](S)
      5853468288 blocks super 1.2 level 6, 64k chunk, algorithm 2 [4/3] [UU_U]
      [=>...................]  recovery =  8.5% (16775552/195310144) finish=17.0min \
speed=259783K/sec

md0 : active raid1 sde1[0] sdf1[1]
      248896 blocks [2/2] [UU]

md1 : active raid0 sdg1[0] sdh1[1]
      314159265 blocks 64k chunks

md2 : inactive sdi1[0](S)
      7813735424 blocks super 1.2

unused devices: <none>
"""
HWMON = "sys/class/hwmon/hwmon0"


def test_the_disks_of_each_set_are_shown_by_state() -> None:
    found = values(host_raid.samples(host_raid.parse(MDSTAT), None))
    disks = found["node_md_disks"]
    names = ("active", "failed", "spare", "down")
    assert {
        device: tuple(disks[device, name] for name in names)
        for device in ("md3", "md0", "md1", "md2")
    } == {
        "md3": (3, 1, 1, 1),
        "md0": (2, 0, 0, 0),
        "md1": (2, 0, 0, 0),
        "md2": (0, 0, 1, 0),
    }
    assert found["node_md_disks_required"] == {
        ("md3",): 4,
        ("md0",): 2,
        ("md1",): 2,
        ("md2",): 0,
    }


def test_a_set_that_recovers_says_how_far_it_is() -> None:
    found = values(host_raid.samples(host_raid.parse(MDSTAT), None))
    assert found["node_md_blocks_synced"][("md3",)] == 16775552
    assert found["node_md_blocks_synced"][("md0",)] == 248896
    states = {labels for labels, value in found["node_md_state"].items() if value}
    assert states == {
        ("md3", "recovering"),
        ("md0", "active"),
        ("md1", "active"),
        ("md2", "inactive"),
    }


def test_a_set_that_waits_for_its_turn_is_not_in_step_yet() -> None:
    waiting = "md4 : active raid1 sda1[0] sdb1[1]\n      900 blocks [2/2] [UU]\n"
    for why in ("DELAYED", "PENDING"):
        (found,) = host_raid.parse(f"{waiting}      \tresync={why}\n\n")
        assert (found.state, found.blocks, found.synced) == ("resync", 900, 0)


def test_a_machine_without_sets_shows_none() -> None:
    assert host_raid.parse("") == []
    assert host_raid.parse("Personalities :\nunused devices: <none>\n") == []


def test_sensors_are_named_as_node_exporter_names_them() -> None:
    rows = host_temperature.Sensors(
        {
            f"{HWMON}/name": "coretemp\n",
            f"{HWMON}/temp1_input": "48000\n",
            f"{HWMON}/temp1_crit": "100000\n",
            f"{HWMON}/temp1_label": "Package id 0\n",
            f"{HWMON}/temp2_input": "-1500\n",
            "sys/class/hwmon/hwmon1/name": "acpitz\n",
            "sys/class/hwmon/hwmon1/temp1_input": "N/A\n",
            "sys/class/hwmon/hwmon1/temp1_max": "90000\n",
            "sys/class/thermal/thermal_zone0/temp": "47500\n",
            "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
        },
        {HWMON: "/sys/devices/platform/coretemp.0"},
    )
    chip = "platform_coretemp_0"
    assert values(host_temperature.samples(rows, None)) == {
        "node_hwmon_temp_celsius": {(chip, "temp1"): 48.0, (chip, "temp2"): -1.5},
        "node_hwmon_temp_crit_celsius": {(chip, "temp1"): 100.0},
        "node_hwmon_temp_max_celsius": {("acpitz", "temp1"): 90.0},
        "node_hwmon_sensor_label": {(chip, "temp1", "package_id_0"): 1},
        "node_thermal_zone_temp": {("x86_pkg_temp", "0"): 47.5},
    }


def test_a_unit_is_in_one_of_its_states() -> None:
    units = [
        Unit("ssh.service", "active", "notify", 2),
        Unit("backup.timer", "failed"),
        Unit("home.mount", "active"),
        Unit("dev-sda.device", "active"),
    ]
    found = values(host_systemd.samples(units, None))
    shown = {labels for labels, value in found["node_systemd_unit_state"].items()}
    assert len(shown) == 10
    assert {
        labels for labels, value in found["node_systemd_unit_state"].items() if value
    } == {("ssh.service", "active", "notify"), ("backup.timer", "failed", "")}
    assert found["node_systemd_service_restart_total"] == {("ssh.service",): 2}


def test_a_machine_without_systemd_shows_no_unit() -> None:
    assert values(host_systemd.samples(None, None)) == {}
