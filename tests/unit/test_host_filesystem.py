"""The collector `filesystem` on texts of mountinfo."""

from __future__ import annotations

from exporter.collectors.host_filesystem import (
    FileSystem,
    Mount,
    Usage,
    below,
    parse,
    samples,
)
from tests.unit.sampled import values

ROOT = Mount("/dev/vda", "/", "ext4", "254", "0", read_only=False)


def line(point: str, fstype: str, device: str, options: str = "rw") -> str:
    return f"27 1 254:0 / {point} {options},relatime shared:1 - {fstype} {device} rw\n"


def points(text: str) -> list[str]:
    return [mount.mountpoint for mount in parse(text)]


def test_a_mount_is_read_with_or_without_optional_fields() -> None:
    bare = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard\n"
    assert parse(bare) == (ROOT,)
    assert parse(line("/", "ext4", "/dev/vda")) == (ROOT,)
    many = "27 1 254:0 / / rw shared:1 master:2 - ext4 /dev/vda rw\n"
    assert parse(many) == (ROOT,)


def test_virtual_file_systems_and_those_of_containers_are_left_out() -> None:
    text = "".join(
        [
            line("/proc", "proc", "proc"),
            line("/data/cgroup", "cgroup2", "cgroup"),
            line("/dev/shm", "tmpfs", "tmpfs"),
            line("/var/lib/docker/overlay2/x/merged", "ext4", "/dev/vda"),
            line("/run/credentials/a.service", "ramfs", "none"),
            line("/snap/a", "squashfs", "/dev/loop0"),
            line("/var/lib/docker", "ext4", "/dev/vdb"),
            line("/devices", "ext4", "/dev/vdc"),
            line("/run", "tmpfs", "tmpfs"),
        ]
    )
    assert points(text) == ["/var/lib/docker", "/devices", "/run"]


def test_names_with_spaces_are_read_as_they_are() -> None:
    text = line("/mnt/my\\040disk\\134x", "nfs4", "server:/a\\040b")
    (mount,) = parse(text)
    assert (mount.mountpoint, mount.device) == ("/mnt/my disk\\x", "server:/a b")


def test_a_name_may_hold_what_else_ends_a_line() -> None:
    text = line("/mnt/a\rb\x0b\x85\u2028", "fuse.sshfs", "me@there:/") + line(
        "/", "xfs", "x"
    )
    assert points(text) == ["/mnt/a\rb\x0b\x85\u2028", "/"]


def test_of_mounts_on_one_place_the_last_is_shown() -> None:
    text = line("/mnt", "ext4", "/dev/a") + line("/mnt", "xfs", "/dev/b")
    assert [mount.device for mount in parse(text)] == ["/dev/b"]
    assert points(line("/mnt", "ext4", "/dev/a") + line("/mnt", "overlay", "o")) == []


def test_read_only_is_said_by_the_mount_or_by_the_file_system() -> None:
    of_mount = line("/a", "ext4", "/dev/a", "ro")
    of_system = "27 1 8:1 / /b rw - ext4 /dev/b ro,errors=remount-ro\n"
    neither = "27 1 8:1 / /c rw - ext4 /dev/c rw,errors=remount-ro\n"
    assert [m.read_only for m in parse(of_mount + of_system + neither)] == [
        True,
        True,
        False,
    ]


def test_usage_is_shown_in_bytes_and_inodes() -> None:
    usage = Usage(1000, 500, 400, 60, 50)
    labels = ("/dev/vda", "/", "ext4", "")
    found = values(samples([FileSystem(ROOT, usage)], None))
    assert found.pop("node_filesystem_mount_info") == {("/dev/vda", "254", "0", "/"): 1}
    assert {name: family[labels] for name, family in found.items()} == {
        "node_filesystem_size_bytes": 1000,
        "node_filesystem_free_bytes": 500,
        "node_filesystem_avail_bytes": 400,
        "node_filesystem_files": 60,
        "node_filesystem_files_free": 50,
        "node_filesystem_readonly": 0,
        "node_filesystem_device_error": 0,
    }


def test_a_file_system_without_an_answer_shows_the_error_alone() -> None:
    found = values(samples([FileSystem(ROOT, None, "mountpoint timeout")], None))
    labels = ("/dev/vda", "/", "ext4", "mountpoint timeout")
    assert found["node_filesystem_device_error"] == {labels: 1}
    assert "node_filesystem_size_bytes" not in found


def test_mounts_that_we_see_below_a_root_are_called_as_the_machine_calls_them() -> None:
    text = (
        "1 0 0:40 / / rw - overlay overlay rw\n"
        "2 1 254:0 / /host ro - ext4 /dev/vda rw\n"
        "3 2 254:1 / /host/data ro - ext4 /dev/vdb rw\n"
        "4 1 254:2 / /hosts ro - ext4 /dev/vdc rw\n"
    )
    mounts = parse(text)
    assert [it.mountpoint for it in below("/host", mounts)] == ["/", "/data"]
    assert [it.mountpoint for it in below("/host/", mounts)] == ["/", "/data"]
    assert below("/", mounts) == mounts


def test_what_is_read_only_for_us_alone_is_not_read_only() -> None:
    text = (
        "1 0 254:0 / / ro - ext4 /dev/vda rw\n2 1 254:1 / /data ro - ext4 /dev/vdb ro\n"
    )
    assert [it.read_only for it in parse(text, is_ours=True)] == [False, True]
    assert [it.read_only for it in parse(text)] == [True, True]
