"""Every path on a real server: what it answers, and what it never says."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from exporter.errors import ConfigError, Reason
from exporter.web.app import build
from exporter.web.routes import PATHS
from exporter.web.server import start
from exporter.web.service import CollectorStatus, TargetStatus
from exporter.web.status_page import POLICY
from tests.integration.web_support import (
    Asked,
    FixedService,
    ask,
    config,
    port_of,
)

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
NAMES = "the targets are:\norders\ngraph\ncache\nlocal\n"


async def test_everything_is_served_with_the_exact_content_type(url: str) -> None:
    answer = await ask(f"{url}/metrics")
    assert (answer.status, answer.text) == (200, "all 1\n")
    assert answer.headers["Content-Type"] == EXPOSITION
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Server"] == "kpi-exporter"
    assert "Content-Encoding" not in answer.headers


async def test_a_runbook_is_a_page_that_runs_nothing(url: str) -> None:
    answer = await ask(f"{url}/runbooks/cpu_used")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "<h1>CPU</h1>" in answer.text
    assert "<strong>Is &lt;it&gt; <code>well</code>?</strong>" in answer.text


async def test_the_runbooks_are_listed(url: str) -> None:
    answer = await ask(f"{url}/runbooks")
    assert (answer.status, "<h1>All</h1>" in answer.text) == (200, True)


async def test_a_runbook_that_is_not_there_is_told_apart(url: str) -> None:
    answer = await ask(f"{url}/runbooks/%3Cb%3E")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text == "no KPI '<b>'; /runbooks has the list\n"


async def test_a_client_that_takes_gzip_gets_it(url: str) -> None:
    answer = await ask(f"{url}/metrics", Asked(headers={"Accept-Encoding": "gzip"}))
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == b"all 1\n"


async def test_a_client_that_forbids_gzip_does_not_get_it(url: str) -> None:
    asked = Asked(headers={"Accept-Encoding": "gzip;q=0, *"})
    answer = await ask(f"{url}/metrics", asked)
    assert answer.body == b"all 1\n"


async def test_what_else_a_client_wants_changes_nothing(url: str) -> None:
    asked = Asked(headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    answer = await ask(f"{url}/metrics?name[]=none", asked)
    assert (answer.headers["Content-Type"], answer.text) == (EXPOSITION, "all 1\n")


async def test_head_has_the_length_and_no_body(url: str, service: FixedService) -> None:
    answer = await ask(f"{url}/metrics", Asked("HEAD"))
    assert (answer.status, answer.headers["Content-Length"]) == (200, "6")
    assert answer.body == b""
    assert service.scrapes == []


async def test_a_down_target_is_served_like_any_other(url: str) -> None:
    answer = await ask(f"{url}/probe?target=cache")
    assert (answer.status, answer.text) == (200, 'redis_up{target="cache"} 0\n')
    assert answer.headers["Content-Type"] == EXPOSITION


async def test_a_probe_without_a_target_says_which_there_are(url: str) -> None:
    answer = await ask(f"{url}/probe")
    expected = f"which target? /probe?target=NAME\n{NAMES}"
    assert (answer.status, answer.text) == (400, expected)


async def test_an_unknown_target_is_refused_with_the_names(url: str) -> None:
    answer = await ask(f"{url}/probe?target=redis://evil:6379")
    expected = f"no target 'redis://evil:6379' is configured\n{NAMES}"
    assert (answer.status, answer.text) == (404, expected)


async def test_each_scrape_is_told_with_its_scope(
    url: str, service: FixedService
) -> None:
    for path in ("/metrics", "/probe?target=cache", "/probe?target=no", "/self", "/sd"):
        await ask(f"{url}{path}")
    assert service.scrapes == [(None, "127.0.0.1"), ("cache", "127.0.0.1")]


async def test_our_own_process_has_a_page(url: str) -> None:
    assert (await ask(f"{url}/self")).text == "kpi_exporter_build_info 1\n"


async def test_discovery_points_to_the_address_that_was_asked(url: str) -> None:
    answer = await ask(f"{url}/sd", Asked(headers={"Host": "metrics.test:1"}))
    entries = json.loads(answer.body)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert [entry["targets"] for entry in entries] == [["metrics.test:1"]] * 5
    assert [e["labels"].get("__param_target") for e in entries] == [
        *("orders", "graph", "cache", "local"),
        None,
    ]


async def test_discovery_points_to_the_external_url_when_there_is_one(
    url: str, service: FixedService
) -> None:
    service.config = config("https://mon.test/kpi")
    entry = json.loads((await ask(f"{url}/sd")).body)[0]
    assert entry["targets"] == ["mon.test:443"]
    assert entry["labels"]["__metrics_path__"] == "/kpi/probe"


async def test_discovery_answers_a_client_that_names_no_host(url: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /sd HTTP/1.0\r\n\r\n")
    body = (await reader.read()).partition(b"\r\n\r\n")[2]
    writer.close()
    assert json.loads(body)[0]["targets"] == [f"127.0.0.1:{port}"]


async def test_health_and_readiness(url: str, service: FixedService) -> None:
    healthy = await ask(f"{url}/-/healthy")
    ready = await ask(f"{url}/-/ready")
    service.answer_ready = (False, "not polled yet: graph")
    waiting = await ask(f"{url}/-/ready")
    assert (healthy.status, healthy.text) == (200, "healthy\n")
    assert (ready.status, ready.text) == (200, "every target was polled\n")
    assert (waiting.status, waiting.text) == (503, "not polled yet: graph\n")


async def test_reload_is_done_by_post_alone(url: str, service: FixedService) -> None:
    got = await ask(f"{url}/-/reload")
    assert (got.status, got.headers["Allow"]) == (405, "POST")
    assert got.text == "GET is not possible here; use POST\n"
    assert service.reloads == 0
    posted = await ask(f"{url}/-/reload", Asked("POST"))
    assert (posted.status, posted.text) == (200, "the configuration was read again\n")
    assert service.reloads == 1


async def test_a_failed_reload_says_every_problem(
    url: str, service: FixedService
) -> None:
    service.problems = ["a.yml:3: redis.cache.url: is needed", "a.yml:9: x: unknown"]
    answer = await ask(f"{url}/-/reload", Asked("POST"))
    assert answer.status == 500
    assert answer.text == (
        "the old configuration stays in force:\n"
        "a.yml:3: redis.cache.url: is needed\na.yml:9: x: unknown\n"
    )


async def test_an_unknown_path_lists_the_known_ones(url: str) -> None:
    answer = await ask(f"{url}/metric")
    assert (answer.status, answer.text) == (404, PATHS)


async def test_an_unexpected_error_shows_no_traceback_and_is_logged_on_one_line(
    url: str, service: FixedService, caplog: pytest.LogCaptureFixture
) -> None:
    service.fault = ValueError("secret details")
    answer = await ask(f"{url}/self")
    assert answer.status == 500
    assert answer.text == "internal error; the exporter's log says more\n"
    record = caplog.records[-1]
    assert (record.message, record.exc_info) == ("a page failed", None)
    fields = vars(record)["fields"]
    assert fields["error"] == "ValueError: secret details"
    assert fields["at"].startswith("web_support.py:")


async def test_the_page_for_people_allows_itself_nothing_from_outside(
    url: str, service: FixedService
) -> None:
    failed = CollectorStatus("info", ok=False, reason=Reason.AUTH, message="NOAUTH")
    service.targets = [TargetStatus("cache", "redis", up=False, collectors=[failed])]
    answer = await ask(f"{url}/")
    assert (answer.status, "NOAUTH" in answer.text) == (200, True)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")


async def test_a_port_in_use_is_said_in_words() -> None:
    first = await start(build(FixedService(), None), "127.0.0.1:0", None)
    address = f"127.0.0.1:{port_of(first)}"
    with pytest.raises(ConfigError) as refused:
        await start(build(FixedService(), None), address, None)
    await first.cleanup()
    assert str(refused.value) == (
        f"web.listen: {address}: the port is in use, perhaps by another kpi-exporter; "
        "stop that or choose another port"
    )


async def test_an_address_of_another_machine_is_said_in_words() -> None:
    with pytest.raises(ConfigError) as refused:
        await start(build(FixedService(), None), "192.0.2.1:10099", None)
    expected = "web.listen: 192.0.2.1:10099: this machine has no such address"
    assert refused.value.problems == [expected]


async def test_no_address_at_all_is_said_in_words() -> None:
    with pytest.raises(ConfigError, match=r"web\.listen: '10099' is not an address"):
        await start(build(FixedService(), None), "10099", None)


async def test_ipv6_is_served() -> None:
    server = await start(build(FixedService(), None), "[::1]:0", None)
    answer = await ask(f"http://[::1]:{port_of(server)}/-/healthy")
    await server.cleanup()
    assert answer.status == 200


async def test_the_end_does_not_wait_for_idle_connections() -> None:
    server = await start(build(FixedService(), None), "127.0.0.1:0", None)
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"healthy\n")
    async with asyncio.timeout(2):
        await server.cleanup()
        assert await reader.read() == b""
    writer.close()
