"""The command line: which words it takes, and what the exit status means."""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from exporter import __version__, arguments
from exporter.collector import SourceKind
from exporter.config_load import load
from exporter.errors import KpiExporterError
from exporter.logs import set_up
from exporter.review import arguments as review_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.config import Config

_STATUS = """exit status: 0 all well, 1 something does not work, 2 the command or the
configuration cannot be used"""
_ADDRESS = {
    SourceKind.POSTGRES: ("dsn", "postgresql://monitor@localhost/postgres"),
    SourceKind.NEO4J: ("uri", "bolt://localhost:7687"),
    SourceKind.REDIS: ("url", "redis://localhost:6379"),
}


def entry() -> None:
    """Run the command of this process and end it."""
    out = sys.stdout or io.StringIO()  # None when it is closed
    if isinstance(out, io.TextIOWrapper):  # what it prints is UTF-8 in any locale
        out.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(main(sys.argv[1:], out))


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Run one command; returns its exit status."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        status: int = options.run(options, out)
        out.flush()
    except OSError as error:
        return _unwritten(error)
    except KpiExporterError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return status


def _unwritten(error: OSError) -> int:
    """Say that the output could not be written; a reader who left is told nothing."""
    if not isinstance(error, BrokenPipeError):
        sys.stderr.write(f"cannot write the output: {error.strerror}\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kpi-exporter",
        description="One Prometheus exporter for PostgreSQL, Neo4j, Redis and the host "
        "they run on.",
        epilog=_STATUS,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (text, add) in _COMMANDS.items():
        add(commands.add_parser(name, help=text))
    return parser


def _check_parser(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _STATUS
    parser.description = (
        "Connects to every target and tries every collector. With --metrics or "
        "--prometheus it asks there instead for all series and labels that the rules "
        "and dashboards of the configuration need."
    )
    live = parser.add_mutually_exclusive_group()
    live.add_argument(
        "--metrics",
        action="append",
        metavar="URL",
        help="a page of ours, or of an application, such as http://127.0.0.1:10099; "
        "give the option once for each page",
    )
    live.add_argument(
        "--prometheus",
        metavar="URL",
        help="a Prometheus that scrapes them, such as http://127.0.0.1:9090",
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    _target_options(parser)
    parser.set_defaults(run=_check)


def _collect_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the collector, such as activity")
    parser.add_argument("--target", required=True, help="the target's name")
    _target_options(parser)
    parser.set_defaults(run=_collect)


def _analyze_parser(parser: argparse.ArgumentParser) -> None:
    review_arguments.add_to(parser)
    _target_options(parser)
    parser.set_defaults(run=_analyze)


def _serve_parser(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Without a configuration and without flags the host is exported."
    _target_options(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        help="where to listen (127.0.0.1:10099)",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config",
        type=Path,
        metavar="FILE",
        help="TLS and users, in the format of the Prometheus exporter-toolkit",
    )
    parser.add_argument(
        "--log.format", dest="log", choices=("text", "json"), help="how to log (text)"
    )
    parser.set_defaults(run=_serve)


def _target_options(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(listen=None, web_config=None, log=None)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="the configuration, in YAML"
    )
    for kind, (_, example) in _ADDRESS.items():
        parser.add_argument(
            f"--{kind}", metavar="URL", help=f"a target named {kind}, such as {example}"
        )


def _reader(options: argparse.Namespace) -> Callable[[], Config]:
    """Make the function that loads the configuration, now and at each reload."""
    given: dict[str, Any] = {
        str(kind): {str(kind): {key: url}}
        for kind, (key, _) in _ADDRESS.items()
        if (url := getattr(options, kind)) is not None
    }
    if given and options.config is None:
        given["host"] = {"local": {}}
    web = {"listen": options.listen, "config_file": options.web_config}
    given["web"] = {key: value for key, value in web.items() if value is not None}
    if options.log:
        given["log"] = options.log
    return partial(load, options.config, given)


def _serve(options: argparse.Namespace, _out: TextIO) -> int:
    from exporter.web.lean import load_aiohttp

    load_aiohttp()
    from exporter.app import serve

    read = _reader(options)
    config = read()
    set_up(config.log)
    asyncio.run(serve(config, read))
    return 0


def _check(options: argparse.Namespace, out: TextIO) -> int:
    config = _reader(options)()
    if options.metrics or options.prometheus:
        return asyncio.run(_check_live(options, config, out))
    from exporter.check import check

    return asyncio.run(check(config, out, as_json=options.json))


async def _check_live(options: argparse.Namespace, config: Config, out: TextIO) -> int:
    from exporter.check_live import check_pages, check_prometheus
    from exporter.promises import plan_of

    for kind in _ADDRESS:
        if getattr(options, kind) is not None:
            said = f"--{kind} changes nothing beside --metrics or --prometheus"
            raise KpiExporterError(said)
    plan, as_json = plan_of(config), options.json
    if options.prometheus:
        return await check_prometheus(plan, options.prometheus, out, as_json=as_json)
    return await check_pages(plan, options.metrics, out, as_json=as_json)


def _collect(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.check import collect

    config = _reader(options)()
    return asyncio.run(collect(config, options.target, options.name, out))


def _analyze(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.review.command import analyze

    return asyncio.run(analyze(options, _reader(options), out))


def _render(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.emitted import check_shipped
    from exporter.promises import plan_of
    from exporter.render.files import Format, files
    from exporter.render.write import differences, write

    labels = arguments.labels(options.label)
    plan = replace(plan_of(load(options.config)), speed=options.speed)
    check_shipped()
    made = files(plan, Format(options.format), labels)
    if options.check:
        changed = differences(made, options.out)
        out.writelines(f"{path} differs from what is rendered\n" for path in changed)
        return int(bool(changed))
    changed = write(made, options.out)
    out.write(f"{len(made)} files rendered, {len(changed)} of them changed\n")
    return 0


def _sidecar(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.sidecar.app import once, serve

    file: Path = options.config
    read = partial(load, file)
    set_up(read().log)
    if options.once:
        return asyncio.run(once(file, read, out))
    asyncio.run(serve(file, read))
    return 0


def _report(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.promises import plan_of
    from exporter.report.command import Where, report

    config = load(options.config)
    local = f"http://{config.web.listen}"
    where = Where(options.prometheus, options.exporter or local, options.sidecar)
    write = (options.format, out)
    return asyncio.run(report(plan_of(config), where, options.since, write))


def _demo(options: argparse.Namespace, out: TextIO) -> int:
    from exporter.demo.world import main as demo

    return demo(options.fault, options.duration, out)


_COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "serve": ("poll all targets, serve /metrics", _serve_parser),
    "check": (
        "try every collector; say what is missing and what mends it",
        _check_parser,
    ),
    "collect": (
        "print what one collector says about one target, once",
        _collect_parser,
    ),
    "render": (
        "write rules, dashboards and runbooks for a configuration",
        partial(arguments.render, run=_render),
    ),
    "sidecar": (
        "keep Prometheus, Grafana and Alertmanager in step",
        partial(arguments.sidecar, run=_sidecar),
    ),
    "report": (
        "judge every promise over a period",
        partial(arguments.report, run=_report),
    ),
    "analyze": (review_arguments.HELP, _analyze_parser),
    "demo": (
        "start an embedded world and watch it",
        partial(arguments.demo, run=_demo),
    ),
}
