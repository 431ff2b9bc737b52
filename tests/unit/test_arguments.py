"""Values of the command line, and names and links that a template would run."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from exporter import arguments
from exporter.config_load import load
from exporter.errors import ConfigError
from exporter.units import check_base


@pytest.mark.parametrize("text", ["0", "-5", "3601", "x", "1.5"])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="wanted is 1 to 3600"):
        arguments.speed(text)


def test_a_speed_is_a_number() -> None:
    assert arguments.speed("60") == 60


@pytest.mark.parametrize(
    "link",
    [
        "https://x/{{ $x }}",
        "https://user:hush@x/",
        "https://x/?a=b",
        "https://x/#a",
        "http://x/\n",
        "https://x/'<b>",
    ],
)
def test_a_link_that_cannot_stand_in_a_notification_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match=r"no user or password|a path is added"):
        check_base(link)


@pytest.mark.parametrize("link", ["https://x", "http://127.0.0.1:3000/d", "http://x/"])
def test_a_base_of_links_is_taken(link: str) -> None:
    check_base(link)


def test_names_that_a_template_would_run_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(
        "applications: {'b{{ .x }}': {selector: 'job=\"a\"'}}\n"
        "host: {h: {process_groups: [{name: 'n{{x}}', program: a}]}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(file)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{file}:1: applications.b{{{{ .x }}}}: an application's")
    assert second.startswith(f"{file}:2: host.h.process_groups.0.name: ")


def test_a_file_without_an_end_is_not_read_to_it() -> None:
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(Path("/dev/zero"))
