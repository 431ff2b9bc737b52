"""Values of the command line, and names and links that a template would run."""

from __future__ import annotations

from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from exporter import arguments
from exporter.config_load import load
from exporter.errors import ConfigError, KpiExporterError
from exporter.units import check_base


@pytest.mark.parametrize("text", ["0", "-5", "3601", "x", "1.5"])
def test_a_speed_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="wanted is 1 to 3600"):
        arguments.speed(text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("release", "'release' is not KEY=VALUE"),
        ("=x", "'=x' is not KEY=VALUE"),
        ("my key=x", "'my key' is no key of a label: 1 to 63 of"),
        ("-a=x", "'-a' is no key of a label"),
        ("a.=x", "'a.' is no key of a label"),
        (f"{'k' * 64}=x", "is no key of a label"),
        ("/a=x", "before the / is a domain"),
        ("Example.com/a=x", "before the / is a domain"),
        ("a..b/c=x", "before the / is a domain"),
        (f"{'.'.join(['d' * 60] * 5)}/a=x", "before the / is a domain"),
        ("a/b/c=x", "before the / is a domain"),
        ("example.com/=x", "is no key of a label: 1 to 63 of"),
        ("a=b c", "'b c' is no value of a label: nothing, or 1 to 63 of"),
        ("a=b=c", "'b=c' is no value of a label"),
        ("a=-b", "'-b' is no value of a label"),
        ("a=b\n", "is no value of a label"),
        ("a=ü", "is no value of a label"),
        (f"a={'v' * 64}", "is no value of a label"),
    ],
)
def test_a_label_that_kubernetes_would_refuse_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        arguments.label(text)
    assert wrong in str(caught.value)


@pytest.mark.parametrize(
    "text", ["a=", "a=1", "app.kubernetes.io/part-of=x_y.z", f"{'k' * 63}={'v' * 63}"]
)
def test_a_label_that_kubernetes_takes_is_taken(text: str) -> None:
    key, value = arguments.label(text)
    assert f"{key}={value}" == text


def test_a_label_is_given_once() -> None:
    with pytest.raises(KpiExporterError, match="the key 'a' is given twice"):
        arguments.labels([("a", "1"), ("b", "1"), ("a", "2")])


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
