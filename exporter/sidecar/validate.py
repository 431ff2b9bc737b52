"""Says what is wrong with rule files before one of them enters Prometheus' folder."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.errors import KpiExporterError
from exporter.programs import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.render.installed import Installed
    from exporter.sidecar.prometheus import Api

_PROMTOOL = "promtool"
_PATIENCE = 60.0
_MOST_BYTES = 65536
_SHOWN = 20


async def faults(
    made: Installed, api: Api | None, patience: float = _PATIENCE
) -> list[str]:
    """Return what is wrong with rendered rules; empty when nothing is.

    promtool judges whole files. Without it Prometheus parses each expression, which
    leaves templates and names to its loading. Raises KpiExporterError when neither can,
    or promtool gives no answer within `patience` seconds.
    """
    program = shutil.which(_PROMTOOL)
    if program is not None:
        return await _by_promtool(program, made.rules, patience)
    if api is not None:
        return await api.refusals(_expressions(made))
    said = (
        "rules cannot be checked: put promtool in PATH, or set sidecar.prometheus.url"
    )
    raise KpiExporterError(said)


async def _by_promtool(
    program: str, rules: dict[str, str], patience: float
) -> list[str]:
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="kpi-sidecar-"))
    try:
        places = await asyncio.to_thread(_written, folder, rules)
        command = [program, "check", "rules", "--lint=none", *places]
        ended = await run(command, patience, _MOST_BYTES, errors=True)
    except TimeoutError as error:
        why = f"{program}: gave no answer within {patience:g} s"
        raise KpiExporterError(why) from error
    except OSError as error:
        why = f"{program} cannot be used: {error.strerror}"
        raise KpiExporterError(why) from error
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    if ended.status == 0:
        return []
    lines = ended.output.decode("utf-8", "replace").replace(f"{folder}/", "")
    said = [line.strip() for line in lines.splitlines() if line.strip()]
    wrong = [line for line in said if "SUCCESS" not in line and "Checking" not in line]
    return wrong[:_SHOWN] or ["promtool refuses them"]


def _written(folder: Path, rules: dict[str, str]) -> list[str]:
    for name, text in rules.items():
        (folder / name).write_text(text, "utf-8")
    return [str(folder / name) for name in rules]


def _expressions(made: Installed) -> Iterator[str]:
    rules: list[dict[str, Any]] = [
        rule
        for file in made.groups.values()
        for group in file
        for rule in group["rules"]
    ]
    yield from (str(rule["expr"]) for rule in rules)
