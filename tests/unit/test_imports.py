"""Who may import what: one way through the package, and each driver in its room.

This test decides. Ruff's TID251 repeats the rooms in the editor, from the same names.
"""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter

import pytest

from tests.source import ROOT, trees, uses

# What each part of the package may import of the package; the first pattern that fits
# counts. `errors` and the version are for all, and `demo` is for `cli` alone.
MAY_IMPORT = {
    "__init__": "",
    "__main__": "cli",
    "errors": "",
    "units": "",
    "metrics": "",
    "state": "",
    "phase": "",
    "memory": "",
    "threads": "",
    "yaml_file": "",
    "explain": "yaml_file",
    "file_print": "",
    "collector": "evidence metrics",
    "evidence": "",
    "exposition": "metrics",
    "snapshot": "evidence exposition metrics",
    "catalogue*": "catalogue* explain metrics units yaml_file",
    "promises": "catalogue* collector config yaml_file",
    "render*": "render* catalogue* metrics",
    "collectors": "collector",
    "collectors.*": "collectors._* collector evidence metrics sources* state",
    "sources.address": "collector",
    "config_host": "config_values",
    "config_indexes": "catalogue* collector config_values",
    "config_neo4j": "catalogue* collector config_indexes config_values units",
    "config_postgres": "config_values units",
    "config_sidecar": "config config_values units",
    "config": "catalogue* collector config_* sources.address units",
    "config_redis": "config_values",
    "config_tables": "config_values",
    "config_values": "units",
    "config_sound": "collector config yaml_file",
    "config_load": "collectors config config_sidecar config_sound collector explain "
    "promises yaml_file",
    "programs": "",
    "secret": "config programs",
    "logs": "secret",
    "sources*": "sources* config config_* secret",
    "own": "exposition",
    "poll": "collector evidence metrics exposition secret sources*",
    "watch": "poll collector exposition config",
    "health": "watch collector metrics sources*",
    "target": "poll health watch snapshot collector exposition config sources*",
    "schedule": "phase target",
    "review.sql*": "review.sql* review.shape",
    "review.worker": "review.sql* review.shape",
    "review.arguments": "review.shape",
    "review.desk": "review.* config target",
    "review*": "review.* collectors._* collectors.neo4j_plans collector config "
    "sources*",
    "web*": "web* evidence snapshot catalogue* config config_values collector explain "
    "exposition units yaml_file file_print review.shape review.openapi",
    "check_http": "",
    "declared": "collectors collector health metrics own",
    "emitted": "declared render* catalogue* yaml_file",
    "check_page": "",
    "check_series": "declared render* catalogue*",
    "check_prometheus": "check_http check_series",
    "check_live": "check_http check_page check_prometheus check_series catalogue* "
    "units",
    "report*": "report* check_* render* catalogue* promises config units web.service",
    "check": "poll snapshot exposition collectors collector config sources*",
    "app": "web* evidence schedule target snapshot exposition own health promises "
    "report* render* collectors collector config config_load logs memory sources* "
    "review.* threads",
    "sidecar*": "sidecar* render* catalogue* config config_sidecar promises check_* "
    "exposition web* units threads secret programs collector evidence file_print",
    "arguments": "units",
    "cli": "app arguments check* emitted config config_load promises render* report* "
    "review.* web.lean catalogue* logs units collectors collector sidecar* demo*",
    "demo*": "*",
}

# Where each of these may be used; `demo` is a world of its own and may use them all.
CLOCKS = "own poll schedule sidecar.app sources.base sources.host_clock target"
ROOMS = {
    "psycopg": "sources.postgres*",
    "neo4j": "sources.neo4j*",
    "redis": "sources.redis*",
    "psutil": "sources.host*",
    "yaml": "yaml_file catalogue* render.files",
    "promql_parser": "catalogue* render* report.evaluate report.matching",
    "apscheduler": "schedule",
    "aiohttp": "web* check_http sidecar*",
    "bcrypt": "web*",
    "sqlglot": "review.sql*",
    "prometheus_client": "own sidecar*",
    "subprocess": "programs",
    "asyncio.subprocess": "programs review.process",
    "asyncio.create_subprocess_exec": "programs review.process",
    "asyncio.create_subprocess_shell": "programs",
    "os.environ": "secret web.lean",  # which hides two names while a library loads
    "os.getenv": "secret",
    "time": CLOCKS,
    "datetime.datetime.now": CLOCKS,
    "datetime.datetime.today": CLOCKS,
    "datetime.datetime.utcnow": CLOCKS,
    "datetime.date.today": CLOCKS,
}

# A collector reads through its source and leaves errors, time and logs to the poll.
NOT_FOR_COLLECTORS = "asyncio contextlib io logging os pathlib socket sys threading"


def fits(name: str, patterns: str) -> bool:
    return any(
        fnmatchcase(name, p) or (p.endswith("*") and name == p.removesuffix(".*"))
        for p in patterns.split()
    )


def is_or_is_in(name: str, what: str) -> bool:
    return name == what or name.startswith(f"{what}.")


def module_of(name: str, modules: set[str]) -> str:
    """Cut a dotted name down to the module of ours that it is or lies in."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules:
        parts.pop()
    return ".".join(parts)


def inner(name: str, tree: ast.Module, modules: set[str]) -> set[str]:
    """Return the modules of ours that a module imports."""
    ours = {u.name for u in uses(tree) if is_or_is_in(u.name, "exporter")}
    return {module_of(n, modules) for n in ours} - {name, "", "errors"}


def rule_of(name: str) -> str | None:
    return next((MAY_IMPORT[p] for p in MAY_IMPORT if fits(name, p)), None)


def wrong_ways(name: str, tree: ast.Module, modules: set[str]) -> list[str]:
    allowed = rule_of(name)
    if allowed is None:
        return [f"{name}: has no line in MAY_IMPORT"]
    return [
        f"{name} imports {other}"
        for other in sorted(inner(name, tree, modules))
        if not fits(other, allowed)
        or (other == "demo" or other.startswith("demo.")) > fits(name, "cli demo*")
    ]


def out_of_room(name: str, tree: ast.Module) -> list[str]:
    if fits(name, "demo*"):
        return []
    return [
        f"{name}:{use.line} uses {use.name}, which belongs in {room}"
        for use in uses(tree)
        for what, room in ROOMS.items()
        if is_or_is_in(use.name, what) and not fits(name, room)
    ]


def not_in_a_collector(name: str, tree: ast.Module) -> list[str]:
    if not fits(name, "collectors.*"):
        return []
    tries = [
        f"{name}:{node.lineno} has a try"
        for node in ast.walk(tree)
        if isinstance(node, ast.Try | ast.TryStar)
    ]
    return tries + [
        f"{name}:{use.line} uses {use.name}"
        for use in uses(tree)
        if use.name.split(".")[0] in NOT_FOR_COLLECTORS.split()
    ]


def test_modules_import_one_way() -> None:
    modules = trees()
    wrong = [
        w for name, tree in modules.items() for w in wrong_ways(name, tree, {*modules})
    ]
    assert wrong == []


def test_no_module_imports_itself_through_others() -> None:
    modules = trees()
    graph = {name: inner(name, tree, {*modules}) for name, tree in modules.items()}
    assert set(TopologicalSorter(graph).static_order()) >= {*modules}


def test_drivers_clocks_and_processes_stay_in_their_rooms() -> None:
    assert [w for name, tree in trees().items() for w in out_of_room(name, tree)] == []


def test_collectors_leave_errors_time_and_logs_to_the_poll() -> None:
    found = [
        w for name, tree in trees().items() for w in not_in_a_collector(name, tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metrics", "from exporter import snapshot"),
        ("snapshot", "import exporter.poll"),
        ("poll", "from exporter.collectors.redis_info import COLLECTOR"),
        ("collectors.redis_info", "from exporter.collectors.redis_other import QUERY"),
        ("config", "from exporter.collectors.redis_info import COLLECTOR"),
        ("app", "from exporter.demo import servers"),
        ("web.pages", "from exporter.app import App"),
        ("novelty", "import json"),
    ],
)
def test_an_import_the_wrong_way_is_found(name: str, text: str) -> None:
    modules = {"snapshot", "poll", "app", "demo", "demo.servers", "collectors"}
    modules |= {"collectors.redis_info", "collectors.redis_other"}
    assert len(wrong_ways(name, ast.parse(text), modules)) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("collectors.postgres_activity", "import psycopg"),
        ("sources.redis", "from psycopg import sql"),
        ("app", "def f():\n    from neo4j import AsyncGraphDatabase"),
        ("config", "import yaml as y"),
        ("cli", "import importlib\nimportlib.import_module('redis.asyncio')"),
        ("poll", "from apscheduler.triggers import date"),
        ("sources.host", "from asyncio import create_subprocess_exec"),
        ("sources.host", "import asyncio\nasyncio.create_subprocess_exec('df')"),
        ("config", "import os\nos.environ['HOME']"),
        ("config", "import os.path\nos.getenv('HOME')"),
        ("snapshot", "from time import monotonic"),
        ("snapshot", "from datetime import datetime\ndatetime.now()"),
        ("snapshot", "import datetime as d\nd.datetime.now()"),
    ],
)
def test_a_use_out_of_its_room_is_found(name: str, text: str) -> None:
    assert out_of_room(name, ast.parse(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept ValueError:\n    pass",
        "import logging",
        "from contextlib import suppress",
    ],
)
def test_a_collector_that_catches_or_logs_is_found(text: str) -> None:
    assert not_in_a_collector("collectors.redis_info", ast.parse(text)) != []


def test_ruff_bans_the_same_names() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    banned = settings["lint"]["flake8-tidy-imports"]["banned-api"]
    assert banned.keys() == ROOMS.keys()


def test_ruff_lifts_its_bans_in_the_same_rooms() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]
    lifted = {
        path.removeprefix("exporter/").removesuffix(".py").replace("/**", "*")
        for path, rules in settings["lint"]["per-file-ignores"].items()
        if "TID251" in rules
    }
    rooms = {room.replace(".", "/") for r in ROOMS.values() for room in r.split()}
    assert lifted == rooms | {"demo*", "tests*"}
