"""What can be set of a host: where its files are, which processes belong together."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    field_validator,
    model_validator,
)

from exporter.config_values import Strict, Text

_MOST_GROUPS = 100

Folder = Annotated[str, Field(pattern="^/")]


def _is_pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    return text


Pattern = Annotated[str, BeforeValidator(_is_pattern)]


class ProcessGroup(Strict):
    """Processes that are summed up: those that fit everything that is given.

    `program` is the name of a program, `cmdline` and `cgroup` are regular expressions
    that are looked for in the command line and in the path of the cgroup.
    """

    name: Annotated[str, Field(max_length=60, pattern=r"^[^\x00-\x1f\x7f{}]+$")]
    program: Text | None = None
    cmdline: Pattern | None = None
    cgroup: Pattern | None = None

    @model_validator(mode="after")
    def _says_who(self) -> ProcessGroup:
        if not (self.program or self.cmdline or self.cgroup):
            raise ValueError("give program, cmdline or cgroup")
        return self


def _named(given: Any) -> Any:
    return {"name": given, "program": given} if isinstance(given, str) else given


class HostSettings(Strict):
    """The keys of a host.

    `rootfs` is where the machine's root is seen, `procfs` and `sysfs` its /proc and
    /sys, which lie in it unless given.
    """

    rootfs: Folder = "/"
    procfs: Folder | None = None
    sysfs: Folder | None = None
    process_groups: Annotated[
        tuple[Annotated[ProcessGroup, BeforeValidator(_named)], ...],
        Field(max_length=_MOST_GROUPS),
    ] = (ProcessGroup(name="python", program="python"),)

    @property
    def proc_folder(self) -> str:
        """Where the machine's /proc is seen."""
        return self.procfs or f"{self.rootfs.rstrip('/')}/proc"

    @property
    def sys_folder(self) -> str:
        """Where the machine's /sys is seen."""
        return self.sysfs or f"{self.rootfs.rstrip('/')}/sys"

    @field_validator("process_groups")
    @classmethod
    def _one_of_each(cls, value: tuple[ProcessGroup, ...]) -> tuple[ProcessGroup, ...]:
        names = [group.name for group in value]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two groups are named {name!r}")
        return value
