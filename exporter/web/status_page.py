"""Draws the page `/`: each target and collector, how it goes, and what to do; pure."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from exporter.errors import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.web.service import CollectorStatus, TargetStatus

STYLE = files(__package__).joinpath("status.css").read_text("utf-8")


def policy(style: str) -> str:
    """Write the Content-Security-Policy of a page with one style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


POLICY = policy(STYLE)
"""The page's Content-Security-Policy: its own style and nothing else."""

_MOST_OPEN = 8  # targets; with more of them those that do well are folded
_RELOAD_SECONDS = 30
_SHORT = 0.01  # seconds; polls below it are shown with one more digit
_LONGEST = 1000  # characters of a message
_CHECK = "Run <code>kpi-exporter check</code>"

_ADVICE = {
    Reason.CONNECT: "Nothing answers there. See that the server runs, and that host "
    "and port in the configuration lead to it.",
    Reason.AUTH: "The server refuses the user or the password. Correct either; the "
    "password is read again at the next attempt.",
    Reason.PERMISSION: f"The user may not read this. {_CHECK}: it prints the grant.",
    Reason.TIMEOUT: "The server did not answer in time: look whether it is overloaded "
    "or frozen. If it is merely slow, raise the target's <code>timeout</code>.",
    Reason.LOCK: "Somebody holds a lock that this read would have to wait for, often a "
    "migration. It is tried again at each poll.",
    Reason.STARTING: "The server is starting or loading its data. Wait; if that does "
    "not end, read the server's log.",
    Reason.LIMIT: "The server has no connection left. See who holds them, or raise its "
    "limit.",
    Reason.UNSUPPORTED: f"This server does not have what is read here. {_CHECK}: it "
    "names the version, extension or setting that is missing.",
    Reason.PROTOCOL: "What answers there speaks something else. Check the port, and "
    "whether TLS is wanted.",
    Reason.QUERY: f"The server refused the read. {_CHECK}: it knows more about it.",
    Reason.INTERNAL: "A fault of the exporter itself. Its log says more; please report "
    "it.",
}


class _Look(NamedTuple):
    """A state as a CSS class, a sign that needs no colour, and a word."""

    css: str
    sign: str
    word: str


_DOWN = _Look("down", "■", "down")
_FAILING = _Look("failing", "▲", "partly failing")
_FAILED = _Look("down", "■", "failed")
_WAITING = _Look("waiting", "○", "not polled yet")
_FINE = _Look("fine", "●", "up")
_WORKS = _Look("fine", "●", "works")
_WORST_FIRST = (_DOWN, _FAILING, _WAITING, _FINE)
_COLOURS = {
    "down": "c4281b",
    "failing": "b87400",
    "waiting": "7d858c",
    "fine": "2e7d46",
}


def render(targets: Sequence[TargetStatus], *, evidence: bool = True) -> str:
    """Write the page as HTML, the worst first; with `evidence` it leads there.

    Whatever comes from a server or a configuration is escaped.
    """
    ordered = sorted(targets, key=lambda target: _WORST_FIRST.index(_look(target)))
    looks = [_look(target) for target in ordered]
    worst = looks[0] if looks else _WAITING
    icon = (
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'"
        f"%3E%3Crect width='8' height='8' rx='2' fill='%23{_COLOURS[worst.css]}'/"
        "%3E%3C/svg%3E"
    )
    verdict = _verdict(targets)
    shown = "".join(_target(t, len(targets), evidence=evidence) for t in ordered)
    parts = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f'<meta http-equiv="refresh" content="{_RELOAD_SECONDS}">\n',
        f"<title>{worst.sign} {escape(verdict)} - kpi-exporter</title>\n",
        f'<link rel="icon" href="{icon}">\n<style>{STYLE}</style>\n</head>\n<body>\n',
        f'<header class="{worst.css}">\n<p>kpi-exporter</p>\n',
        f"<h1>{escape(verdict)}</h1>",
        f"\n</header>\n<main>\n{shown}",
        f"</main>\n{_FOOTER}</body>\n</html>\n",
    )
    return "".join(parts)


_FOOTER = f"""\
<footer>
<p>Prometheus scrapes <a href="metrics">/metrics</a> as one job. Where dashboards want
an <code>instance</code> per server, let it discover the targets at
<a href="sd">/sd</a> instead; never both. <a href="self">/self</a> is this process
alone.</p>
<p>This page loads itself anew every {_RELOAD_SECONDS} seconds.</p>
</footer>
"""


def _look(target: TargetStatus) -> _Look:
    if target.up is None:
        return _WAITING
    if not target.up:
        return _DOWN
    failing = any(collector.ok is False for collector in target.collectors)
    return _FAILING if failing else _FINE


def _verdict(targets: Sequence[TargetStatus]) -> str:
    looks = [_look(target) for target in targets]
    total = _counted(len(looks), "target")
    bad = [(looks.count(look), look.word) for look in _WORST_FIRST if look is not _FINE]
    said = [f"{number} {word}" for number, word in bad if number]
    return f"{total}: {', '.join(said)}" if said else f"{total} up, all works"


def _target(target: TargetStatus, total: int, *, evidence: bool) -> str:
    look = _look(target)
    unfolded = " open" if look is not _FINE or total <= _MOST_OPEN else ""
    series = sum(collector.series for collector in target.collectors)
    name = quote(target.target, safe="")
    link = f"probe?target={name}"
    causes = f' · <a href="evidence/{name}">evidence</a>' if evidence else ""
    return (
        f'<details class="{look.css}"{unfolded}>\n'
        f"<summary>{_sign(look)} <b>{escape(target.target)}</b> "
        f'<span class="kind">{escape(target.source)}</span> '
        f'<span class="state">{look.word}</span></summary>\n'
        f"{''.join(_troubles(target.collectors))}"
        f"<table>\n{_HEAD}<tbody>\n{''.join(map(_row, target.collectors))}"
        f'</tbody>\n</table>\n<p class="more">{_counted(series, "series", "series")}: '
        f'<a href="{link}">/{link}</a>{causes}</p>\n'
        "</details>\n"
    )


def _troubles(collectors: Sequence[CollectorStatus]) -> Iterator[str]:
    """Tell each trouble once, however many collectors met it, and what to do."""
    met: dict[tuple[Reason, str], list[str]] = {}
    for collector in collectors:
        if collector.ok is False:
            trouble = (collector.reason or Reason.INTERNAL, collector.message)
            met.setdefault(trouble, []).append(collector.name)
    for (reason, message), names in met.items():
        yield (
            f'<div class="why"><p><b>{reason}</b> {escape(message[:_LONGEST])}</p>\n'
            f"<p>{_ADVICE[reason]}</p>\n<p>Missing: {escape(', '.join(names))}.</p>"
            "</div>\n"
        )


_HEAD = (
    '<thead><tr><th scope="col">Collector<th scope="col">State<th scope="col">Last good'
    '<th scope="col">Poll took<th scope="col">Series</tr></thead>\n'
)


def _row(collector: CollectorStatus) -> str:
    look = {True: _WORKS, False: _FAILED, None: _WAITING}[collector.ok]
    return (
        f'<tr class="{look.css}"><th scope="row">{escape(collector.name)}'
        f"<td>{_sign(look)} {look.word}<td>{ago(collector.age_seconds)}"
        f"<td>{_took(collector.duration_seconds)}<td>{collector.series:,}</tr>\n"
    )


def _sign(look: _Look) -> str:
    return f'<span class="sign" aria-hidden="true">{look.sign}</span>'


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def ago(seconds: float | None) -> str:
    """Write an age in the largest unit that gives at least two."""
    if seconds is None:
        return "never"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.{0 if seconds >= _SHORT else 1}f} ms"
