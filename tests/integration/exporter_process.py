"""The exporter as a child process, and the pages it serves, for end-to-end tests."""

from __future__ import annotations

import contextlib
import http.client
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psutil
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.servers.process import Process, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_START_PATIENCE = 30.0
_ANSWER_PATIENCE = 10.0
_RUN_PATIENCE = 120.0
_LOOK_EVERY = 0.1
_SCRAPES = 7
TOKEN = "hush4711"  # a part of each secret, so that no spelling of one goes unseen
COMMAND = (sys.executable, "-m", "exporter")


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that servers may enter although they do not run as root."""
    with tempfile.TemporaryDirectory(prefix="kpi-exporter-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; whatever happens it says no secret, no traceback."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=_RUN_PATIENCE,
    )
    said = done.stdout + done.stderr
    assert TOKEN not in said, said
    assert "Traceback" not in said, said
    return done


class Answer(NamedTuple):
    """What an HTTP request gave, and the seconds it took."""

    status: int
    text: str
    seconds: float
    headers: Mapping[str, str]


class Page:
    """A page of metrics: its values by name and labels."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def families(self) -> list[str]:
        """The families in the order of the page, one entry per TYPE line."""
        lines = (line for line in self.text.splitlines() if line.startswith("# TYPE "))
        return [line.split()[2] for line in lines]

    @cached_property
    def _samples(self) -> dict[str, list[tuple[dict[str, str], float]]]:
        found: dict[str, list[tuple[dict[str, str], float]]] = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                found.setdefault(sample.name, []).append((sample.labels, sample.value))
        return found

    def samples(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of the samples that have these labels too."""
        wanted = labels.items()
        return [s for s in self._samples.get(name, []) if wanted <= s[0].items()]

    def value(self, name: str, **labels: str) -> float | None:
        """Return the one value with these labels, or None; several are an error."""
        found = self.samples(name, **labels)
        assert len(found) <= 1, f"{name}{labels} is ambiguous: {found}"
        return found[0][1] if found else None

    def sum(self, name: str, **labels: str) -> float:
        """Add up the values with these labels."""
        return sum(value for _, value in self.samples(name, **labels))

    def up(self, target: str) -> float | None:
        """Return `pg_up`, `redis_up` or `neo4j_up` of a target."""
        names = ("pg_up", "redis_up", "neo4j_up")
        return next(
            (v for n in names if (v := self.value(n, target=target)) is not None), None
        )

    def works(self, target: str) -> bool:
        """Whether the target is up and the latest poll of every collector worked."""
        success = self.samples("kpi_exporter_collector_success", target=target)
        return self.up(target) != 0 and bool(success) and all(v for _, v in success)

    def failures(self, target: str, collector: str | None = None) -> dict[str, float]:
        """Return how many polls failed so far, by reason; 0 is left out."""
        found: dict[str, float] = {}
        chosen = {} if collector is None else {"collector": collector}
        name = "kpi_exporter_collector_failures_total"
        for labels, value in self.samples(name, target=target, **chosen):
            if value:
                found[labels["reason"]] = found.get(labels["reason"], 0) + value
        return found

    def data(self, target: str) -> set[str]:
        """Return the names of what is said about a target, its health excepted."""
        ups = ("pg_up", "redis_up", "neo4j_up")
        own = ("kpi_exporter_", "pg_exporter_", "redis_exporter_", *ups)
        return {
            name
            for name, samples in self._samples.items()
            if not name.startswith(own)
            and any(labels.get("target") == target for labels, _ in samples)
        }


class ExporterProcess:
    """`python -m exporter serve` on a free port of loopback, stopped at the end.

    `config` is written as YAML into `folder`; with None the process gets no file.
    """

    word = "serve"

    def __init__(
        self,
        folder: Path,
        config: dict[str, Any] | None,
        *,
        flags: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.file = folder / "exporter.yaml"
        self._flags = [*flags, "--web.listen-address", f"127.0.0.1:{self.port}"]
        self._environment = environment
        self._process: Process | None = None
        folder.mkdir(parents=True, exist_ok=True)
        if config is not None:
            self.write(config)
            self._flags += ["--config", str(self.file)]

    @property
    def process(self) -> Process:
        assert self._process is not None, "the exporter was not started"
        return self._process

    @property
    def log(self) -> str:
        """Everything that it wrote to its standard output and error."""
        return self.process.log.read_text("utf-8")

    @property
    def rss(self) -> int:
        """Bytes of its memory that are resident."""
        rss: int = psutil.Process(self.process.pid).memory_info().rss
        return rss

    def write(self, config: dict[str, Any]) -> None:
        """Write the configuration that is read at the start and at each reload."""
        self.file.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = Process(
            [*COMMAND, self.word, *self._flags],
            self.folder / "exporter.log",
            environment=self._environment,
            as_ourselves=True,
        )
        self._process.wait_until(self._listens, _START_PATIENCE)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """End it by a signal; returns the seconds it took."""
        started = time.monotonic()
        if self._process is not None:
            self._process.stop(number)
        return time.monotonic() - started

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def get(self, path: str) -> Answer:
        """Ask for a page."""
        return self._ask("GET", path)

    def post(self, path: str) -> Answer:
        """Send an empty POST."""
        return self._ask("POST", path)

    def page(self, path: str = "/metrics") -> Page:
        """Ask for a page of metrics, and take it apart."""
        answer = self.get(path)
        assert answer.status == 200, answer.text
        return Page(answer.text)

    def wait_for(
        self, condition: Callable[[Page], object], within: float, path: str = "/metrics"
    ) -> Page:
        """Scrape until the condition holds; fails with the log's end after a while."""
        deadline = time.monotonic() + within
        while True:
            page = self.page(path)
            if condition(page):
                return page
            late = time.monotonic() > deadline
            assert not late, f"not so within {within} s:\n{self._state(page)}"
            time.sleep(_LOOK_EVERY)

    def scrape_seconds(self) -> float:
        """Return the median of how long some scrapes of the whole page take."""
        times = []
        for _ in range(_SCRAPES):
            times.append(self.get("/metrics").seconds)
            time.sleep(0.07)
        return statistics.median(times)

    def connections(self, port: int) -> int:
        """Count its own open sockets towards a port, in whatever state."""
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return sum(getattr(c.raddr, "port", None) == port for c in found)

    def output(self) -> str:
        """Return all it says to anybody: every page, and the log."""
        sd = self.get("/sd").text
        names = [t for t in self._targets() if t]
        paths = ["/", "/metrics", "/self", *(f"/probe?target={n}" for n in names)]
        return "\n".join([sd, *(self.get(path).text for path in paths), self.log])

    def _targets(self) -> set[str]:
        page = self.page()
        samples = page.samples("kpi_exporter_target_info")
        return {labels["target"] for labels, _ in samples}

    def _state(self, page: Page) -> str:
        lines = page.text.splitlines()
        own = [
            line
            for line in lines
            if "_up{" in line
            or line.startswith("kpi_exporter_collector_success")
            or (line.startswith("kpi_exporter_collector_failures") and " 0" not in line)
        ]
        return "\n".join([*own, self.log[-3000:]])

    def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            return self.get("/-/healthy").status == 200
        return False

    def _ask(self, method: str, path: str) -> Answer:
        client = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=_ANSWER_PATIENCE
        )
        with contextlib.closing(client):
            started = time.monotonic()
            client.request(method, path)
            response = client.getresponse()
            text = response.read().decode()
            seconds = time.monotonic() - started
        return Answer(response.status, text, seconds, dict(response.headers))
