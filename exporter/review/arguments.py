"""The words that `kpi-exporter analyze` takes; light, as every command reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.review.shape import Dialect

if TYPE_CHECKING:
    import argparse

HELP = "review statements: what makes them slow or wrong; nothing is executed"
STATUS = """exit status: 0 no findings, 1 findings, 2 the command, the target, the file
or a statement of it cannot be used; what can be reviewed is printed all the same"""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Make a parser take them."""
    parser.epilog = STATUS
    parser.add_argument(
        "file", metavar="FILE", help="statements in SQL or one in Cypher; - is stdin"
    )
    parser.add_argument(
        "--target",
        metavar="NAME",
        help="ask this target's planner too: EXPLAIN of queries, without running them",
    )
    parser.add_argument(
        "--dialect",
        choices=[str(dialect) for dialect in Dialect],
        help="the language (the target's, by the file's ending, else postgres)",
    )
    parser.add_argument(
        "--literals",
        action="store_true",
        help="keep literals in the texts that are printed; else each is a ?",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
