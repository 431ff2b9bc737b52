"""What a report looks like: the same facts in each format, hostile texts as texts."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.loader import catalogue
from exporter.catalogue.model import Kpi, Severity
from exporter.report.markdown import markdown
from exporter.report.model import (
    Advice,
    Line,
    Report,
    Row,
    Section,
    Source,
    Trend,
    Verdict,
)
from exporter.report.page import page
from exporter.report.plain import plain
from exporter.report.text import text
from exporter.report.words import headline

if TYPE_CHECKING:
    from collections.abc import Callable

HOSTILE = '"><img src=x onerror=alert(1)>\x1b[31m\n| `code` **bold** [a](javascript:b)'
NOW = 1_800_000_000.0


def kpi_of(name: str) -> Kpi:
    return next(k for s in catalogue() for k in s.kpis if k.id == name)


def row(verdict: Verdict, who: str = "machine") -> Row:
    points = tuple((NOW - 3600 + 60 * n, 0.5 + n / 200) for n in range(61))
    broken = verdict is Verdict.BROKEN
    return Row(
        labels={"job": "j", "instance": "i", "target": who},
        value=0.8,
        worst=0.8,
        verdict=verdict,
        severity=Severity.WARNING if broken else None,
        limit=0.7,
        beyond=1200.0 if broken else 0.0,
        until=NOW - 600 if broken else None,
        trend=Trend(0.3, 7200.0),
        budget=0.25,
        quantiles=(("p50", 0.5), ("p99", 0.8)),
        points=points,
    )


def line(verdict: Verdict, *rows: Row, causes: tuple[str, ...] = ()) -> Line:
    severity = Severity.WARNING if verdict is Verdict.BROKEN else None
    promises = ("at most 70% (warning)",)
    cpu = kpi_of("cpu_used")
    return Line(cpu, "Host", verdict, promises, rows, "", causes, severity)


def report(who: str = "machine") -> Report:
    return Report(
        profile="mcp-v2",
        source=Source(f"Prometheus at {who}", 86400.0, NOW, 60.0, (f"note {who}",)),
        lines=(
            line(Verdict.BROKEN, row(Verdict.BROKEN, who), causes=(f"cause {who}",)),
            line(Verdict.KEPT, *(row(Verdict.KEPT, f"{who}{n}") for n in range(12))),
            line(Verdict.NO_DATA)._replace(why=f"why {who}"),
        ),
        sections=(
            Section("Index advice", (f"index {who}",)),
            Section("Plans", (), who),
        ),
        advice=(Advice("Scale", who, (f"because {who}",), f"how {who}"),),
        unanswered=(f"down {who}",),
    )


class Tags(HTMLParser):
    """Collects the tags of a page and their attributes' names."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("write", [text, markdown, page])
def test_each_format_has_the_facts(write: Callable[[Report], str]) -> None:
    said = re.sub(r"\\(.)", r"\1", write(report()))

    for fact in (
        *("1 promise is broken; 1 kept, 0 undecidable", "profile mcp-v2"),
        *("CPU in use", "at most 70% (warning)", "80%", "broken (warning) for 20 min"),
        *("p50 50%, p99 80%", "rising by 30%", "meets its limit in 2 h"),
        *("cause machine", "index machine", "because machine", "how machine"),
        *("why machine", "down machine", "note machine"),
    ):
        assert fact in said, fact
    assert "error budget" in said
    assert "25%" in said


def test_a_page_holds_no_markup_but_its_own() -> None:
    tags = Tags()
    tags.feed(page(report(HOSTILE)))

    assert tags.seen <= {
        *("html", "head", "meta", "title", "style", "body", "header", "main", "p"),
        *("h1", "h2", "details", "summary", "span", "article", "section", "div", "b"),
        *("i", "ul", "li", "svg", "line", "polyline"),
    }
    assert not {name for name in tags.attributes if name.startswith("on")}


def test_a_page_needs_nothing_from_elsewhere() -> None:
    made = page(report())

    assert "default-src 'none'" in made
    assert not re.search(r"https?://|src=|href=|url\(|@import", made)


def test_markdown_keeps_hostile_texts_as_texts() -> None:
    made = markdown(report(HOSTILE))

    assert "\x1b" not in made
    for sign in ("<img", "](", "`code`", "**bold**"):
        assert not re.search(
            rf"(?<!\\){re.escape(sign)}", made.replace("**Scale**", "")
        )
    table = [each for each in made.splitlines() if each.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", each)) for each in table} == {6}


def test_a_terminal_gets_no_control_characters() -> None:
    made = text(report(HOSTILE))

    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", made)
    assert all("onerror" in each or "code" not in each for each in made.splitlines())


def test_json_has_no_number_that_json_does_not_know() -> None:
    made = json.dumps(plain(report(HOSTILE)), allow_nan=False)

    found = json.loads(made)
    assert [each["verdict"] for each in found["kpis"]] == ["broken", "kept", "no data"]
    assert found["kpis"][0]["rows"][0]["labels"]["target"] == HOSTILE
    assert found["status"] == 1


def test_what_was_beyond_its_limit_for_too_short_a_time_is_said() -> None:
    brief = row(Verdict.KEPT)._replace(severity=Severity.WARNING, beyond=240.0)

    made = text(report()._replace(lines=(line(Verdict.KEPT, brief),)))

    assert "beyond its limit for 4 min, which is too short" in made


def test_what_is_only_to_be_known_is_told_apart() -> None:
    target = line(Verdict.BROKEN, row(Verdict.BROKEN))._replace(severity=Severity.INFO)
    kept = line(Verdict.KEPT, row(Verdict.KEPT))
    made = report()._replace(lines=(target, kept))

    alone, *_, section = text(made._replace(unanswered=())).partition("BROKEN (1)")
    missed = headline(made)
    beside = headline(made._replace(lines=(*report().lines, target)))

    assert alone.startswith("No promise is broken but 1 only to be known (info); 1")
    assert "CPU in use" in section
    assert missed.startswith("No verdict: not enough was answered; 1 broken")
    assert beside.startswith("2 promises are broken, 1 of them only to be known (info)")
