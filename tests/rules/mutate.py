"""Runs every mutant of the rules against their tests: `python -m tests.rules.mutate`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.rules.mutants import mutants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.rules.mutants import Mutant

RULES = Path(__file__).parents[2] / "rules"


def survives(mutant: Mutant, name: str, tests: dict[str, Any]) -> bool:
    """Whether the tests of a changed rule pass all the same."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "tests").mkdir()
        (place / name).write_text(yaml.safe_dump(mutant.groups))
        (place / "tests" / name).write_text(yaml.safe_dump(tests))
        command = ["promtool", "test", "rules", f"tests/{name}"]
        done = subprocess.run(command, cwd=place, capture_output=True, check=False)
        return done.returncode == 0


def run(paths: Sequence[Path]) -> Iterator[tuple[str, Mutant, bool]]:
    """Yield each mutant of some rule files, and whether it survives."""
    work: list[tuple[Mutant, str, dict[str, Any]]] = []
    for path in paths:
        tests = yaml.safe_load((path.parent / "tests" / path.name).read_text())
        groups = yaml.safe_load(path.read_text())
        work += [
            (mutant, path.name, _relevant(tests, mutant.rule))
            for mutant in mutants(groups)
        ]
    able = [each for each in work if not each[0].equal]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda each: survives(*each), able)
        for (mutant, name, _), alive in zip(able, results, strict=True):
            yield name, mutant, alive
    for mutant, name, _ in work:
        if mutant.equal:
            yield name, mutant, False


def main(arguments: Sequence[str]) -> int:
    """Print what survived and a score per file; 1 when anything did."""
    paths = [RULES / f"{name}.yaml" for name in arguments] or sorted(
        RULES.glob("*.yaml")
    )
    killed: dict[str, list[int]] = {}
    for name, mutant, alive in run(paths):
        score = killed.setdefault(name, [0, 0, 0])
        score[2 if mutant.equal else alive] += 1
        if alive:
            print(f"SURVIVES {name}: {mutant.rule}: {mutant.change}", flush=True)
    for name, (dead, alive, equal) in killed.items():
        print(f"{name}: {dead} killed, {alive} survive, {equal} cannot differ")
    return int(any(alive for _, alive, _ in killed.values()))


def _relevant(tests: dict[str, Any], rule: str) -> dict[str, Any]:
    """Keep the tests of the KPI that a rule belongs to: the others cannot notice."""
    kpi = rule.split(":")[1] if ":" in rule else None
    camel = "".join(part.capitalize() for part in kpi.split("_")) if kpi else rule
    names = {camel, f"{camel}Burn"} if kpi else {rule, rule.removesuffix("Burn")}
    kept = [t for t in tests["tests"] if t["name"].split(" ")[0] in names]
    return {**tests, "tests": kept or tests["tests"]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
