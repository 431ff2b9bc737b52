"""How much a client of Redis or Valkey may leave unread before it is cut off.

redis_config_client_output_buffer_limit_bytes{class="pubsub",limit="hard"} 3.3554432e+07
redis_config_client_output_buffer_limit_bytes{class="pubsub",limit="soft"} 8.388608e+06
redis_config_client_output_buffer_limit_overcome_seconds{class="pubsub",limit="soft"} 60

Read every five minutes. Whoever may use CONFIG GET reads passwords too: that right is
not in our ACL file, and without it there are no samples; a refusal is not asked for
again on the same connection. Who was cut off is counted by INFO, in
redis_client_output_buffer_limit_disconnections_total.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collector import Collector, Cost, Finding, SourceKind, stateless
from exporter.metrics import gauge
from exporter.sources.redis_text import number, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.redis import RedisSource

_NAME = "client-output-buffer-limit"
_INTERVAL = 300.0
_CLASS = 4  # words: its name, the hard limit, the soft one, and for how many seconds

LIMIT = gauge(
    "redis_config_client_output_buffer_limit_bytes",
    f"{_NAME} of CONFIG GET: bytes by the server's name of the class; 0 is no limit.",
    *("class", "limit"),
)
SECONDS = gauge(
    "redis_config_client_output_buffer_limit_overcome_seconds",
    f"{_NAME} of CONFIG GET: seconds for which the soft limit may be exceeded.",
    *("class", "limit"),
)


async def read(source: RedisSource) -> str:
    """Read the setting; an empty text where CONFIG is denied or renamed."""
    answer: list[Any] = await source.execute_if_allowed("CONFIG", "GET", _NAME) or []
    value: bytes = table(answer).get(_NAME, b"")
    return value.decode("utf-8", "replace")


def samples(text: str, state: None) -> Iterator[Sample]:
    """Take the classes apart."""
    del state
    words = text.split()
    for start in range(0, len(words), _CLASS):
        name, hard, soft, seconds = words[start : start + _CLASS]
        yield LIMIT(number(hard), name, "hard")
        yield LIMIT(number(soft), name, "soft")
        yield SECONDS(number(seconds), name, "soft")


async def inspect(source: RedisSource) -> list[Finding]:
    """Tell where the setting may not be read; a Sentinel has none."""
    if await source.mode() == "sentinel" or await read(source):
        return []
    why = (
        "CONFIG GET is denied or renamed (ACL: +config|get, which shows passwords too)"
    )
    return [Finding(f"limits of output buffers: {why}")]


COLLECTOR = Collector(
    name="buffer_limits",
    source=SourceKind.REDIS,
    metrics=(LIMIT, SECONDS),
    read=read,
    samples=samples,
    state=stateless,
    privilege="ACL: +config|get, else nothing is shown",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
    inspect=inspect,
)
