"""How the server's JVM is doing: memory, garbage collection, threads, files.

neo4j_jvm_start_time_seconds 1.7e+09
neo4j_jvm_memory_used_bytes{area="heap"} 1.2e+08
neo4j_jvm_gc_collections_total{gc="G1 Young Generation"} 12
neo4j_jvm_gc_seconds_total{gc="G1 Young Generation"} 0.34
neo4j_jvm_threads 44
neo4j_jvm_cpu_seconds_total 12.5
neo4j_jvm_open_file_descriptors 345

Read every minute: the beans cost the server more than what any other collector reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.collector import Collector, Cost, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

# One query, as each costs more than a bean. Single attributes; and without the bean
# Runtime, which has the command line, secrets and all.
QUERY = """
CALL dbms.queryJmx('java.lang:type=GarbageCollector,name=*') YIELD attributes AS gc
WITH collect({name: gc.Name.value, count: gc.CollectionCount.value,
  spent_ms: gc.CollectionTime.value}) AS collectors
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes AS memory
CALL dbms.queryJmx('java.lang:type=Threading') YIELD attributes AS threading
CALL dbms.queryJmx('java.lang:type=OperatingSystem') YIELD attributes AS system
WITH memory.HeapMemoryUsage.value.properties AS heap,
  memory.NonHeapMemoryUsage.value.properties AS other, threading, system, collectors
RETURN heap.used AS heap_used, heap.committed AS heap_committed, heap.max AS heap_max,
  other.used AS nonheap_used, other.committed AS nonheap_committed,
  other.max AS nonheap_max, threading.ThreadCount.value AS threads,
  system.ProcessCpuTime.value AS cpu_ns,
  system.OpenFileDescriptorCount.value AS open_files,
  system.MaxFileDescriptorCount.value AS max_files, collectors"""

_INTERVAL = 60.0

START = gauge(
    "neo4j_jvm_start_time_seconds",
    "StartTime of dbms.queryJmx, bean Runtime: Unix time in seconds.",
)
USED = gauge(
    "neo4j_jvm_memory_used_bytes",
    "dbms.queryJmx, bean Memory: bytes in use; read every minute.",
    "area",
)
COMMITTED = gauge(
    "neo4j_jvm_memory_committed_bytes",
    "dbms.queryJmx, bean Memory: bytes had from the system; read every minute.",
    "area",
)
LIMIT = gauge(
    "neo4j_jvm_memory_max_bytes",
    "dbms.queryJmx, bean Memory: bytes that may be used; absent without a limit; read "
    "every minute.",
    "area",
)
THREADS = gauge(
    "neo4j_jvm_threads",
    "ThreadCount of dbms.queryJmx, bean Threading: live threads; read every minute.",
)
CPU = counter(
    "neo4j_jvm_cpu_seconds_total",
    "ProcessCpuTime of dbms.queryJmx, bean OperatingSystem: seconds; read every "
    "minute.",
)
FILES = gauge(
    "neo4j_jvm_open_file_descriptors",
    "OpenFileDescriptorCount of dbms.queryJmx, bean OperatingSystem; read every "
    "minute.",
)
MOST_FILES = gauge(
    "neo4j_jvm_max_file_descriptors",
    "MaxFileDescriptorCount of dbms.queryJmx, bean OperatingSystem; read every minute.",
)
COLLECTIONS = counter(
    "neo4j_jvm_gc_collections_total",
    "CollectionCount of dbms.queryJmx, beans GarbageCollector; read every minute.",
    "gc",
)
COLLECTING = counter(
    "neo4j_jvm_gc_seconds_total",
    "CollectionTime of dbms.queryJmx, beans GarbageCollector: seconds; read every "
    "minute.",
    "gc",
)


@dataclass(frozen=True, slots=True)
class Jvm:
    """Attributes of three beans, and of each garbage collector's; -1 is no limit."""

    heap_used: int | None
    heap_committed: int | None
    heap_max: int | None
    nonheap_used: int | None
    nonheap_committed: int | None
    nonheap_max: int | None
    threads: int | None
    cpu_ns: int | None
    open_files: int | None
    max_files: int | None
    collectors: Sequence[Mapping[str, Any]]


class Reading(NamedTuple):
    """The beans that one poll has read, and the Unix milliseconds of the start."""

    jvm: list[Jvm]
    start_ms: int | None


async def read(source: Neo4jSource) -> Reading:
    """Read the beans of the JVM."""
    return Reading(await source.fetch(Jvm, QUERY), await source.started())


def samples(reading: Reading, _state: None) -> Iterator[Sample]:
    """Turn attributes into samples; what the JVM does not have is absent."""
    yield START(_scaled(reading.start_ms, 1000))
    for jvm in reading.jvm:
        yield from _jvm(jvm)
        for gc in jvm.collectors:
            yield COLLECTIONS(gc["count"], gc["name"])
            yield COLLECTING(_scaled(gc["spent_ms"], 1000), gc["name"])


def _jvm(jvm: Jvm) -> Iterator[Sample]:
    yield USED(jvm.heap_used, "heap")
    yield USED(jvm.nonheap_used, "nonheap")
    yield COMMITTED(jvm.heap_committed, "heap")
    yield COMMITTED(jvm.nonheap_committed, "nonheap")
    yield LIMIT(_limit(jvm.heap_max), "heap")
    yield LIMIT(_limit(jvm.nonheap_max), "nonheap")
    yield THREADS(jvm.threads)
    yield CPU(_scaled(jvm.cpu_ns, 1e9))
    yield FILES(jvm.open_files)
    yield MOST_FILES(_limit(jvm.max_files))


def _scaled(value: float | None, divisor: float) -> float | None:
    return None if value is None else value / divisor


def _limit(value: int | None) -> int | None:
    return None if value is None or value < 0 else value


COLLECTOR = Collector(
    name="jvm",
    source=SourceKind.NEO4J,
    metrics=(
        *(START, USED, COMMITTED, LIMIT, THREADS, CPU, FILES, MOST_FILES),
        *(COLLECTIONS, COLLECTING),
    ),
    read=read,
    samples=samples,
    state=stateless,
    privilege="any user on Community; EXECUTE PROCEDURE dbms.queryJmx on Enterprise",
    cost=Cost.COSTLY,
    interval=_INTERVAL,
)
