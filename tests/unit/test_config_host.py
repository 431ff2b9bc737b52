"""The keys of a host: where its files are, and its process groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config_load import load
from exporter.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config_host import HostSettings


def loaded(tmp_path: Path, host: str) -> HostSettings:
    file = tmp_path / "kpi-exporter.yaml"
    file.write_text(f"host:\n  local: {host}\n")
    return load(file).host["local"]


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("{rootfs: host}", "rootfs"),
        ("{procfs: proc}", "procfs"),
        ("{process_groups: [python, python]}", "two groups are named 'python'"),
        ("{process_groups: [{name: api}]}", "give program, cmdline or cgroup"),
        ("{process_groups: [{name: api, cmdline: '('}]}", "no regular expression"),
        ("{process_groups: [{name: api, pid: 7}]}", "unknown key"),
        ("{process_groups: ['']}", "process_groups.0"),
        (f"{{process_groups: [{', '.join(f'g{n}' for n in range(101))}]}}", "100"),
    ],
)
def test_what_cannot_be_is_refused_and_named(
    tmp_path: Path, host: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, host)
    assert problem in str(caught.value)


def test_a_name_alone_is_the_name_of_a_program(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, "{process_groups: [java, {name: db, cgroup: postgres, program: p}]}"
    )
    assert [(it.name, it.program, it.cgroup) for it in found.process_groups] == [
        ("java", "java", None),
        ("db", "p", "postgres"),
    ]


@pytest.mark.parametrize(
    ("host", "folders"),
    [
        ("{}", ("/proc", "/sys")),
        ("{rootfs: /host}", ("/host/proc", "/host/sys")),
        ("{rootfs: /host/, procfs: /p}", ("/p", "/host/sys")),
    ],
)
def test_proc_and_sys_lie_in_the_root_unless_given(
    tmp_path: Path, host: str, folders: tuple[str, str]
) -> None:
    found = loaded(tmp_path, host)
    assert (found.proc_folder, found.sys_folder) == folders
