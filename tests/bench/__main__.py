"""Measures the exporter on real servers: `python -m tests.bench [NAME...]`.

Aims are the project's own; ratios come from one run, figures are the best of several.
CPU figures travel between machines, times do not. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.demo.servers.process import ServerError
from tests.bench import (
    churn,
    depth,
    freshness,
    host,
    latency,
    memory,
    neo4j_cost,
    neo4j_large,
    nginx,
    profiled,
    redis_cost,
    rivals,
    rounds,
    scrape,
    targets,
    traffic,
)
from tests.bench.report import Line, as_json, table
from tests.bench.world import World
from tests.ending import end_as_by_ctrl_c
from tests.prepare import install

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


MEASURES = {
    "scrape": scrape,
    "rounds": rounds,
    "depth": depth,
    "host": host,
    "neo4j": neo4j_cost,
    "neo4j-large": neo4j_large,
    "redis": redis_cost,
    "profile": profiled,
    "traffic": traffic,
    "freshness": freshness,
    "latency": latency,
    "churn": churn,
    "memory": memory,
    "targets": targets,
}
COMPARED = {
    "scrape": (nginx.NEED,),
    "rounds": rivals.NEEDS,
    "depth": rivals.NEEDS[:1],
    "host": host.NEEDS,
    "redis": rivals.NEEDS,
}


def main() -> int:
    """Run what was asked for; 1 when an aim was missed or a server is missing."""
    options = _options()
    end_as_by_ctrl_c()
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:4.0f} s  {text}", file=sys.stderr, flush=True)

    world = World(say)
    lines: list[Line] = []
    try:
        world.present = _bring(options.names, say)
        for name in options.names:
            for line in MEASURES[name].run(world):
                say(f"  {line.what}: {line.measured} {line.verdict}".rstrip())
                lines.append(line)
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        world.close()
        if lines:
            print(table(lines))
        if options.json:
            options.json.write_text(as_json(lines), "utf-8")
    return int(any(line.verdict == "missed" for line in lines))


def _options() -> argparse.Namespace:
    known = "\n".join(
        f"  {name:10}{(module.__doc__ or '').splitlines()[0]}"
        for name, module in MEASURES.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"{__doc__}\nWhat can be measured:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what; else all of it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write figures here")
    options = parser.parse_args()
    options.names = options.names or list(MEASURES)
    if unknown := set(options.names) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(unknown)}")
    return options


def _bring(names: Sequence[str], say: Callable[[str], None]) -> frozenset[str]:
    """Install what we compare ourselves with; return what is there of it."""
    wanted = [need for name in names for need in COMPARED.get(name, ())]
    for need in wanted:
        if shutil.which(need.command) is None:
            try:
                install([need])
            except ServerError:
                say(f"left out for want of {need.command}: {need.purpose}")
    return frozenset(need.command for need in wanted if shutil.which(need.command))


if __name__ == "__main__":
    sys.exit(main())
