"""One-shot reads for people: what works at each target, and what mends the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from exporter import collectors
from exporter.collector import Finding
from exporter.errors import KpiExporterError, SourceError
from exporter.exposition import Renderer
from exporter.poll import Failure, failure, poll
from exporter.snapshot import Snapshot
from exporter.sources import source_of

if TYPE_CHECKING:
    from exporter.collector import AnyCollector
    from exporter.config import Config, Target
    from exporter.sources.base import Source

_PATIENCE = 3.0  # the first read of a cold server may take this much longer


class Line(NamedTuple):
    """How one collector, or reaching the target itself (`""`), went."""

    target: str
    collector: str
    series: int
    failure: Failure | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def works(self) -> bool:
        """Whether all that the collector could say of such a server was said."""
        return self.failure is None and not any(one.fix for one in self.findings)


async def check(config: Config, out: TextIO, *, as_json: bool) -> int:
    """Try every collector of every target; returns 0 when all of them work, else 1."""
    lines: list[Line] = []
    for target in config.targets:
        for line in await _check_target(target):
            lines.append(line)
            if not as_json:
                _print(line, out)
    if as_json:
        json.dump([_plain(line) for line in lines], out, indent=2)
        out.write("\n")
    return int(not all(line.works for line in lines))


async def collect(config: Config, target: str, name: str, out: TextIO) -> int:
    """Print one collector's exposition; raises KpiExporterError when it fails."""
    chosen = next((t for t in config.targets if t.name == target), None)
    if chosen is None:
        known = ", ".join(t.name for t in config.targets)
        raise KpiExporterError(f"no target {target!r}; there are {known}")
    if name not in collectors.names(chosen.kind):
        known = ", ".join(collectors.names(chosen.kind))
        raise KpiExporterError(f"no collector {name!r} of {chosen.kind}: {known}")
    source = source_of(chosen)
    try:
        await source.connect(chosen.deadline + _PATIENCE)
        collector = next(c for c in collectors.load(chosen.kind) if c.name == name)
        renderer = Renderer(target, chosen.series_limit)
        outcome = await poll(collector, source, collector.state(), renderer)
    except SourceError as error:
        return _failed(failure(error), out)
    finally:
        await source.close()
    if isinstance(outcome.result, Failure):
        return _failed(outcome.result, out)
    snapshot = Snapshot()
    snapshot.put(target, name, outcome.result.families)
    out.write(snapshot.page().plain.decode())
    return 0


async def _check_target(target: Target) -> list[Line]:
    source = source_of(target)
    lines: list[Line] = []
    try:
        await source.connect(target.deadline + _PATIENCE)
        lines.append(Line(target.name, "", 0))
        for collector in collectors.load(target.kind):
            settings = target.collectors.get(collector.name)
            if settings is None or settings.enabled:
                lines.append(await _check_collector(source, collector))
    except SourceError as error:
        lines.append(Line(target.name, "", 0, failure(error)))
    finally:
        await source.close()
    return lines


async def _check_collector(source: Source[Any], collector: AnyCollector) -> Line:
    target = source.config
    renderer = Renderer(target.name, target.series_limit)
    outcome = await poll(collector, source, collector.state(), renderer)
    result = outcome.result
    if isinstance(result, Failure):
        if not result.answered:
            await source.connect(target.deadline)
        return Line(target.name, collector.name, 0, result)
    findings = await _inspect(source, collector)
    return Line(target.name, collector.name, result.series, None, tuple(findings))


async def _inspect(source: Source[Any], collector: AnyCollector) -> list[Finding]:
    """Ask what works with less than it could; not to know is a finding too."""
    if collector.inspect is None:
        return []
    try:
        found: list[Finding] = await source.run(
            collector.inspect, source.config.deadline
        )
    except SourceError as error:
        why = failure(error)
        if not why.answered:
            await source.connect(source.config.deadline)
        missing = f"whether it sees everything: {why.message}"
        return [Finding(missing, why.fix or f"mend that first ({why.reason})")]
    return found


def _failed(why: Failure, out: TextIO) -> int:
    out.write(f"# {why.reason}: {why.message}\n")
    if why.fix:
        out.write(f"# fix: {why.fix}\n")
    return 1


def _print(line: Line, out: TextIO) -> None:
    if not line.collector:
        state = "reached" if line.works else "NOT REACHED"
        out.write(f"{line.target}: {state}\n")
    elif line.failure is None:
        state = "works" if line.works else "works with less"
        out.write(f"  {line.collector:<20} {state}, {line.series} series\n")
    else:
        out.write(f"  {line.collector:<20} FAILS\n")
    if line.failure:
        out.write(f"      {line.failure.reason}: {line.failure.message}\n")
        if line.failure.fix:
            out.write(f"      fix: {line.failure.fix}\n")
    for missing, fix in line.findings:
        out.write(f"      missing: {missing}\n")
        if fix:
            out.write(f"      fix: {fix}\n")


def _plain(line: Line) -> dict[str, Any]:
    why = line.failure
    said = why and {"reason": why.reason, "message": why.message, "fix": why.fix}
    return {
        "target": line.target,
        "collector": line.collector or None,
        "works": line.works,
        "series": line.series,
        "failure": said,
        "findings": [finding._asdict() for finding in line.findings],
    }
