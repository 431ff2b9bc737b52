"""The page for people: the worst first, each trouble once, nothing unescaped."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from exporter.errors import Reason
from exporter.web.service import CollectorStatus, TargetStatus
from exporter.web.status_page import POLICY, render


class Reader(HTMLParser):
    """Collects the text that a reader sees, the tags, and where links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.pieces: list[str] = []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", " ".join(self.pieces))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.pieces.append(data)


def good(name: str = "info", series: int = 5) -> CollectorStatus:
    return CollectorStatus(
        name, ok=True, age_seconds=4.2, duration_seconds=0.0031, series=series
    )


def bad(
    name: str, reason: Reason = Reason.CONNECT, message: str = "refused"
) -> CollectorStatus:
    return CollectorStatus(name, ok=False, reason=reason, message=message)


def target(
    name: str, *collectors: CollectorStatus, up: bool | None = True
) -> TargetStatus:
    return TargetStatus(name, "redis", up=up, collectors=collectors)


def heading(page: str) -> str:
    return page.partition("<h1>")[2].partition("</h1>")[0]


def states(page: str) -> list[tuple[str, ...]]:
    return re.findall(r'<details class="(\w+)"( open|)>', page)


def test_all_well_is_said_in_one_line() -> None:
    page = render([target("cache", good()), target("other", good())])
    assert heading(page) == "2 targets up, all works"
    assert heading(render([target("cache", good())])) == "1 target up, all works"


def test_the_worst_comes_first() -> None:
    page = render(
        [
            target("fine", good()),
            target("new", CollectorStatus("info", ok=None), up=None),
            target("partly", good(), bad("commandstats")),
            target("dead", bad("info"), up=False),
        ]
    )
    assert re.findall(r"<b>(\w+)</b> <span", page) == ["dead", "partly", "new", "fine"]
    assert heading(page) == "4 targets: 1 down, 1 partly failing, 1 not polled yet"


def test_a_trouble_of_several_collectors_is_told_once_with_what_to_do() -> None:
    page = Reader(render([target("dead", bad("info"), bad("keys"), up=False)]))
    assert page.text.count("refused") == 1
    assert "Nothing answers there. See that the server runs" in page.text
    assert "Missing: info, keys." in page.text


@pytest.mark.parametrize("reason", Reason)
def test_there_is_advice_for_every_reason(reason: Reason) -> None:
    text = Reader(render([target("a", bad("info", reason, "words"))])).text
    after = text.partition(f"{reason} words ")[2]
    assert len(after.partition(" Missing: info.")[0]) > 30


def test_figures_of_a_collector_are_readable() -> None:
    page = render([target("cache", good(series=12345))])
    row = page.partition("<tbody>")[2].partition("</tbody>")[0]
    assert Reader(row).text.strip() == "info ● works 4 s ago 3.1 ms 12,345"


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (None, "never"),
        (0.2, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7200, "2 h ago"),
        (864000, "10 d ago"),
    ],
)
def test_ages_have_the_unit_that_people_would_use(age: float | None, said: str) -> None:
    collector = CollectorStatus("info", ok=True, age_seconds=age)
    assert f"<td>{said}<td>" in render([target("cache", collector)])


@pytest.mark.parametrize(
    ("duration", "said"),
    [(2.345, "2.3 s"), (0.0456, "46 ms"), (0.0031, "3.1 ms"), (0.0004, "0.4 ms")],
)
def test_what_a_poll_took_has_the_unit_that_fits(duration: float, said: str) -> None:
    collector = CollectorStatus("info", ok=True, duration_seconds=duration)
    assert f"<td>{said}<td>" in render([target("cache", collector)])


def test_many_targets_that_do_well_are_folded() -> None:
    fine = [target(f"t{number}", good()) for number in range(8)]
    assert states(render(fine)) == [("fine", " open")] * 8
    assert states(render([*fine, target("dead", up=False)])) == [
        ("down", " open"),
        *[("fine", "")] * 8,
    ]


HOSTILE = "\"'><script>alert(1)</script>&amp;\n<img src=x onerror=alert(1)>"


def test_nothing_that_comes_from_outside_becomes_markup() -> None:
    hostile = CollectorStatus(HOSTILE, ok=False, reason=Reason.QUERY, message=HOSTILE)
    page = render([TargetStatus(HOSTILE, HOSTILE, up=True, collectors=[hostile])])
    plain = render(
        [target("a", CollectorStatus("b", ok=False, reason=Reason.QUERY, message="c"))]
    )
    assert Reader(page).tags == Reader(plain).tags
    assert Reader(page).text.count(re.sub(r"\s+", " ", HOSTILE)) == 5
    assert f"probe?target={'%22%27%3E%3Cscript%3E'}" in page


def test_a_very_long_message_is_cut() -> None:
    page = render([target("a", bad("info", message="x" * 5000))])
    assert "x" * 1000 in page
    assert "x" * 1001 not in page


def test_the_page_needs_nothing_from_outside() -> None:
    page = Reader(render([target("cache", good())]))
    assert "script" not in page.tags
    own = {"metrics", "sd", "self", "probe?target=cache", "evidence/cache"}
    assert {link for link in page.links if not link.startswith("data:")} == own


def test_the_policy_allows_exactly_the_style_of_the_page() -> None:
    page = render([])
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY
    assert " style=" not in page
    assert "unsafe" not in POLICY
