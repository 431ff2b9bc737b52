"""A folder that looks like the root of a machine with everything a mixin asks about."""

from __future__ import annotations

from pathlib import Path

_COPIED = ("stat", "meminfo", "vmstat", "loadavg", "uptime", "net/snmp", "net/netstat")
_FILES = {
    "proc/1/mountinfo": "27 1 254:0 / / rw - ext4 /dev/vda rw\n",
    "proc/1/cgroup": "0::/init.scope\n",
    "proc/diskstats": "254 0 vda 9 1 800 20 30 2 900 40 0 50 60 1 2 3 4 5 6\n",
    "proc/net/dev": "Inter-|\n face |\n"
    "  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    "proc/net/sockstat": "TCP: inuse 3 orphan 0 tw 0 alloc 4 mem 1\n",
    "proc/sys/fs/file-nr": "833\t0\t2466183\n",
    "proc/sys/net/netfilter/nf_conntrack_count": "214\n",
    "proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    "proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
    "proc/pressure/io": "some avg10=0 total=5\nfull avg10=0 total=5\n",
    "proc/pressure/memory": "some avg10=0 total=5\nfull avg10=0 total=5\n",
    "proc/mdstat": "Personalities : [raid1]\nmd0 : active raid1 sda1[0] sdb1[1](F)\n"
    "      248896 blocks [2/1] [U_]\n\nunused devices: <none>\n",
    "sys/class/net/bonding_masters": "bond0\n",
    "sys/class/net/bond0/bonding/slaves": "eth0 eth1\n",
    "sys/class/net/eth0/bonding_slave/mii_status": "up\n",
    "sys/class/net/eth0/operstate": "up\n",
    "sys/class/net/eth1/bonding_slave/mii_status": "down\n",
}


def build(root: Path) -> None:
    """Write the files; those of the kernel's figures are copies of this machine's."""
    copies = {f"proc/{name}": Path("/proc", name).read_text() for name in _COPIED}
    for name, text in (copies | _FILES).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
