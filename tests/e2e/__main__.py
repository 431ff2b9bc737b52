"""Runs faults from end to end: `python -m tests.e2e [--idle SECONDS] [FAULT...]`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from exporter.demo.servers.process import ServerError
from tests.e2e.expected import FAULTS
from tests.e2e.panels import dearest_panel, dearest_rule
from tests.e2e.report import show
from tests.e2e.trial import Outcome, Result, broken, calm, idle
from tests.e2e.world import running
from tests.ending import end_as_by_ctrl_c

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.e2e.expected import Expected

_TEN_MINUTES = 600.0


async def run(faults: Sequence[Expected], seconds: float) -> Outcome:
    """Start the world once, leave it idle, and break it in one way after the other."""
    async with running(print) as world:
        print(f"idle for {seconds:g} s", flush=True)
        quiet = await idle(world, seconds)
        results: list[Result] = []
        for fault in faults:
            if results:
                await calm(world, results[-1].expected)
            print(f"fault {fault.fault}", flush=True)
            results.append(await broken(world, fault))
        costs = (await dearest_panel(world), await dearest_rule(world))
    return Outcome(quiet, results, costs)


def main(arguments: Sequence[str]) -> int:
    """Run, print the table; 1 when anything is not as expected."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e")
    parser.add_argument("faults", nargs="*", metavar="FAULT")
    parser.add_argument("--idle", type=float, default=_TEN_MINUTES, metavar="SECONDS")
    options = parser.parse_args(arguments)
    end_as_by_ctrl_c()
    chosen = [f for f in FAULTS if f.fault in options.faults or not options.faults]
    try:
        outcome = asyncio.run(run(chosen, options.idle))
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1
    show(outcome, options.idle)
    failed = any(each.problems for each in outcome.results)
    return int(failed or bool(outcome.idle.problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
