"""Finding the processes of groups in a tree that looks like /proc."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from exporter.config_host import HostSettings
from exporter.sources.host_processes import ProcessTable, matches
from tests.unit.host_tree import Fake, ProcTree

if TYPE_CHECKING:
    from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def tree(tmp_path: Path) -> ProcTree:
    return ProcTree(tmp_path)


def table(tree: ProcTree, *groups: str | dict[str, str]) -> ProcessTable:
    settings = HostSettings.model_validate({"process_groups": groups})
    return ProcessTable(str(tree.folder), settings.process_groups)


def pids(found: ProcessTable) -> set[int]:
    return {process.pid for process in found.read().found}


@pytest.mark.parametrize(
    ("name", "group", "expected"),
    [
        ("python", "python", True),
        ("python3", "python", True),
        ("python3.11", "python", True),
        ("python3.13t", "python", True),
        ("postgres-17", "postgres", True),
        ("pythonista", "python", False),
        ("pythonw", "python", False),
        ("ipython", "python", False),
        ("Python", "python", False),
        ("prometheus-node", "prometheus-node-exporter", True),
        ("prometheus", "prometheus-node-exporter", False),
    ],
)
def test_a_version_is_no_other_program(
    name: str, group: str, *, expected: bool
) -> None:
    assert matches(name, group) is expected


def test_a_process_is_read_in_full(tree: ProcTree) -> None:
    tree.put(
        7,
        Fake(
            *("python3.11", "/usr/bin/python3.11 app.py"),
            *(1234, 250, 30, 4, 5, 600, 7000, 8000, 9),
        ),
    )
    found = table(tree, "python").read()
    assert found.uptime == 100.0
    assert found.groups == ("python",)
    (process,) = found.found
    assert process.group == "python"
    assert process.start == 1234 / found.ticks
    assert (process.user_ticks, process.system_ticks) == (250, 30)
    assert (process.major_faults, process.threads) == (4, 5)
    assert process.resident_bytes == 600 * PAGE
    assert (process.read_bytes, process.written_bytes) == (7000, 8000)
    assert (process.open_files, process.most_open_files) == (9, 1024)
    assert process.state == "S"


def test_a_script_is_of_the_group_of_its_program(tree: ProcTree) -> None:
    tree.put(7, Fake("gunicorn", "/usr/bin/python3.11 /usr/bin/gunicorn app"))
    tree.put(8, Fake("login", "-python"))
    tree.put(9, Fake("nginx", "nginx: python"))
    assert pids(table(tree, "python")) == {7, 8}


def test_the_first_group_that_fits_has_the_process(tree: ProcTree) -> None:
    tree.put(7, Fake("celery", "/usr/bin/python3 celery"))
    found = table(tree, "celery", "python").read().found
    assert [process.group for process in found] == ["celery"]


def test_a_name_with_spaces_and_parentheses_is_read(tree: ProcTree) -> None:
    tree.put(7, Fake("a) S 1 (b", user=3))
    (process,) = table(tree, "a) S 1 (b").read().found
    assert process.user_ticks == 3


def test_a_process_that_ends_is_gone_and_one_that_begins_is_there(
    tree: ProcTree,
) -> None:
    tree.put(7, Fake("python"))
    found = table(tree, "python")
    assert pids(found) == {7}
    tree.end(7)
    tree.put(8, Fake("python"))
    assert pids(found) == {8}


def test_a_process_that_ends_while_it_is_read_is_left_out(tree: ProcTree) -> None:
    tree.put(7, Fake("python"))
    tree.put(8, Fake("python"))
    found = table(tree, "python")
    (tree.folder / "7" / "stat").unlink()
    assert pids(found) == {8}


def test_a_process_that_ends_before_it_was_looked_up_is_left_out(
    tree: ProcTree,
) -> None:
    tree.put(7, Fake("python"))
    (tree.folder / "7" / "comm").unlink()
    assert pids(table(tree, "python")) == set()


def test_a_process_caught_before_its_exec_is_found_at_the_next_read(
    tree: ProcTree,
) -> None:
    for pid in range(1, 101):
        tree.put(pid, Fake("bash"))
    found = table(tree, "python")
    found.read()
    tree.put(200, Fake("bash"))
    assert pids(found) == set()
    tree.put(200, Fake("python3"))
    assert pids(found) == {200}


def test_a_member_that_becomes_something_else_leaves_its_group(
    tree: ProcTree,
) -> None:
    tree.put(7, Fake("python"))
    found = table(tree, "python", "java")
    assert pids(found) == {7}
    tree.put(7, Fake("java"))
    assert [process.group for process in found.read().found] == ["java"]
    tree.put(7, Fake("bash"))
    assert pids(found) == set()


def test_an_old_stranger_is_looked_at_again_in_time(tree: ProcTree) -> None:
    for pid in range(1, 201):
        tree.put(pid, Fake("bash"))
    found = table(tree, "python")
    for _ in range(3):
        assert pids(found) == set()
    tree.put(150, Fake("python"))
    assert any(pids(found) == {150} for _ in range(5))


@pytest.mark.parametrize(("strangers", "looked_at"), [(100, 20), (500, 50)])
def test_strangers_are_seldom_looked_at(
    tree: ProcTree, strangers: int, looked_at: int
) -> None:
    for pid in range(1, strangers + 1):
        tree.put(pid, Fake("bash"))
    found = table(tree, "python")
    found.read()
    found.read()
    for pid in range(1, strangers + 1):
        tree.put(pid, Fake("python"))
    assert len(pids(found)) == looked_at


def test_what_may_not_be_read_is_absent(tree: ProcTree) -> None:
    tree.put(7, Fake("python", read=None, files=None))
    (process,) = table(tree, "python").read().found
    assert (process.read_bytes, process.written_bytes) == (None, None)
    assert process.open_files is None


def test_a_group_is_known_by_its_command_line(tree: ProcTree) -> None:
    tree.put(7, Fake("python3", "/usr/bin/python3 -m shop serve"))
    tree.put(8, Fake("python3", "/usr/bin/python3 -m mail"))
    found = table(tree, {"name": "shop", "cmdline": r"-m shop\b"}, "python")
    assert {it.pid: it.group for it in found.read().found} == {7: "shop", 8: "python"}


def test_what_a_group_is_known_by_may_stand_behind_a_long_argument(
    tree: ProcTree,
) -> None:
    tree.put(7, Fake("java", f"/usr/bin/java -cp {'/lib/a.jar:' * 10_000} org.Shop"))
    found = table(tree, {"name": "shop", "cmdline": r"org\.Shop$"})
    assert [it.group for it in found.read().found] == ["shop"]


def test_a_group_is_known_by_its_cgroup(tree: ProcTree) -> None:
    tree.put(7, Fake("java", cgroup="/system.slice/neo4j.service"))
    tree.put(8, Fake("java", cgroup="/user.slice"))
    tree.put(9, Fake("bash", cgroup="/system.slice/neo4j.service"))
    found = table(
        tree, {"name": "graph", "cgroup": r"/neo4j\.service$", "program": "java"}
    )
    assert pids(found) == {7}


@pytest.mark.parametrize(
    ("limits", "expected"), [("1024", 1024), ("unlimited", None), ("", None)]
)
def test_the_limit_of_open_files_is_the_soft_one(
    tree: ProcTree, limits: str, expected: int | None
) -> None:
    tree.put(7, Fake("python", most_files=limits))
    (tree.folder / "7" / "limits").write_text(
        f"Max open files            {limits}   524288      files\n" if limits else ""
    )
    (process,) = table(tree, "python").read().found
    assert process.most_open_files == expected


def test_the_start_of_the_machine_is_read_behind_a_long_line(tree: ProcTree) -> None:
    (tree.folder / "stat").write_text(f"intr {'0 ' * 90_000}\nbtime 1700000000\nx 1\n")
    assert table(tree, "python").read().boot == 1_700_000_000
