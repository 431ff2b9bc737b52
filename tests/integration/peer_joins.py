"""Whether Prometheus has every series, with every label, that a peer's mixin relies on.

`tests/data/peer-joins.tsv` lists them: mixin, metric, and the labels by which the mixin
joins, groups or draws. `instance` and `job` are what `/sd` gives; they are always asked
for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.test_e2e_prometheus import Prometheus

# Labels of PostgreSQL's mixin that come from the scrape's configuration, not from us.
_OF_THE_SCRAPE = {"server"}


def selectors(mixin: str, job: str, instance: str) -> Iterator[str]:
    """Yield a selector for each series of a mixin, every label of it not empty."""
    lines = (ROOT / "tests/data/peer-joins.tsv").read_text().splitlines()
    for line in lines[1:]:
        name, metric, labels = line.split("\t")
        if name == mixin:
            wanted = [f'job="{job}"', f'instance="{instance}"']
            own = set(labels.split(",")) - {""} - _OF_THE_SCRAPE
            wanted += [f'{label}!=""' for label in sorted(own)]
            yield f"{metric}{{{','.join(wanted)}}}"


def unseen(server: Prometheus, queries: Iterator[str]) -> list[str]:
    """Return the queries to which Prometheus has no answer."""
    return [q for q in queries if not server.ask("query", query=q)["result"]]
