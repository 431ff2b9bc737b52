"""Runs each mutant of the rules against their tests: `python -m tests.rules.mutate`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.render.files import dump
from tests.ending import end_as_by_ctrl_c
from tests.rules.mutants import mutants
from tests.rules.promtool import promtool
from tests.rules.slices import slices
from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from tests.rules.mutants import Mutant
    from tests.rules.slices import Slice

RULES = ROOT / "rules"
BASES = ("origin/main", "main")
KILLED, SURVIVES, EQUAL = "killed", "survive", "cannot differ"


class Part(NamedTuple):
    """A KPI's rules and tests, and the file that they are of."""

    file: str
    cut: Slice

    def passes(self) -> bool:
        """Whether the tests are content with the rules as they are."""
        return passes(self.cut.rules, self.cut.test)


class Trial(NamedTuple):
    """A mutant of a KPI's rules."""

    part: Part
    mutant: Mutant

    def verdict(self) -> str:
        """Say whether a test fails; what means the same as before is not tried.

        Most mutants are noticed by a test that names their rule, so these come first.
        """
        if self.mutant.equal:
            return EQUAL
        rules, tests = dump(self.mutant.groups), self.part.cut.tests["tests"]
        near = [test for test in tests if self.mutant.name in names(test)]
        far = [test for test in tests if test not in near]
        for some in (near, far):
            if some and not passes(rules, self.part.cut.but(some)):
                return KILLED
        return SURVIVES


def names(test: dict[str, Any]) -> str:
    """Return the names of everything that a test looks at."""
    alerts = [check["alertname"] for check in test.get("alert_rule_test", ())]
    texts = [check["expr"] for check in test.get("promql_expr_test", ())]
    return " ".join(alerts + texts)


def passes(rules: str, tests: str) -> bool:
    """Whether promtool is content with the tests of some rules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(rules)
        (folder / "tests.yaml").write_text(tests)
        content, _ = promtool(["test", "rules", "tests.yaml"], folder)
    return content


def trials(parts: Iterable[Part]) -> Iterator[Trial]:
    """Yield the mutants of some KPIs."""
    for part in parts:
        for mutant in mutants({"groups": part.cut.groups}):
            yield Trial(part, mutant)


def parts_of(path: Path, base: str | None) -> list[Slice]:
    """Cut a rule file by KPI; with a base, only those KPIs that differ from it."""
    tests = path.parent / "tests" / path.name
    now = slices(path.read_text(), tests.read_text())
    before = [_at(base, p.relative_to(ROOT)) for p in (path, tests)] if base else [""]
    return differing(now, slices(*before)) if all(before) else now


def differing(now: Iterable[Slice], before: Iterable[Slice]) -> list[Slice]:
    """Return those whose rules or tests are not as they were."""
    same = {(part.rules, part.test) for part in before}
    return [part for part in now if (part.rules, part.test) not in same]


def base_of_changes() -> str:
    """Return the commit that changes are counted from; empty when none is known.

    It is where the branch left main, and on main itself the commit before.
    """
    head = _git("rev-parse", "HEAD")
    found = [_git("merge-base", "HEAD", name) for name in BASES]
    return next((b for b in found if b not in ("", head)), _git("rev-parse", "HEAD~1"))


def main(arguments: Sequence[str]) -> int:
    """Say what survives and a score per file; returns 1 when anything does."""
    parser = argparse.ArgumentParser(prog="tests.rules.mutate", description=__doc__)
    parser.add_argument("name", nargs="*", help="a rule file, such as host; all")
    parser.add_argument(
        "--changed", action="store_true", help="only KPIs that this branch changes"
    )
    options = parser.parse_args(arguments)
    end_as_by_ctrl_c()
    names = options.name or sorted(path.stem for path in RULES.glob("*.yaml"))
    base = base_of_changes() if options.changed else None
    if base == "":
        print("nothing to compare with: the commit before is not in this clone")
        return 0
    parts = [
        Part(name, cut)
        for name in names
        for cut in parts_of(RULES / f"{name}.yaml", base)
    ]
    scores = {name: Counter[str]() for name in names}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        content = pool.map(Part.passes, parts)
        failing = [p.cut.name for p, ok in zip(parts, content, strict=True) if not ok]
        if failing:
            print(f"nothing can be said: tests fail as it is: {', '.join(failing)}")
            return 1
        _try(list(trials(parts)), pool, scores)
    sys.stdout.write(table(scores))
    return int(any(score[SURVIVES] for score in scores.values()))


def _try(work: list[Trial], pool: Executor, scores: dict[str, Counter[str]]) -> None:
    verdicts = pool.map(Trial.verdict, work)
    for done, (trial, verdict) in enumerate(zip(work, verdicts, strict=True), 1):
        scores[trial.part.file][verdict] += 1
        _tell(trial, verdict, f"{done}/{len(work)}")


def table(scores: dict[str, Counter[str]]) -> str:
    """Write the score of each file and of all together."""
    kinds = (KILLED, SURVIVES, EQUAL)
    whole = sum(scores.values(), Counter[str]())
    lines = [f"{'rules':<12}" + "".join(f"{kind:>15}" for kind in kinds)]
    for name, score in [*scores.items(), ("all", whole)]:
        lines.append(f"{name:<12}" + "".join(f"{score[kind]:>15}" for kind in kinds))
    tried = whole[KILLED] + whole[SURVIVES]
    share = whole[KILLED] / tried if tried else 1.0
    lines.append(f"{share:.1%} of {tried} mutants that can differ are killed")
    return "\n".join(lines) + "\n"


def _tell(trial: Trial, verdict: str, progress: str) -> None:
    """Show what survives at once, and to a person how far it is."""
    live = sys.stdout.isatty()
    if verdict == SURVIVES:
        start = "\r" if live else ""
        mutant = trial.mutant
        sys.stdout.write(
            f"{start}SURVIVES {trial.part.file}: {mutant.rule}: {mutant.change}\n"
        )
    if live:
        sys.stdout.write(f"\r{progress} ")
        sys.stdout.flush()


def _at(commit: str, path: Path) -> str:
    return _git("show", f"{commit}:{path.as_posix()}")


def _git(*arguments: str) -> str:
    """Ask git; returns an empty text for what it does not know."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
