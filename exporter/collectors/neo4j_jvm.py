"""How the server's JVM is doing: memory, garbage collection, threads, files.

neo4j_jvm_start_time_seconds 1.7e+09
neo4j_jvm_memory_used_bytes{area="heap"} 1.2e+08
neo4j_jvm_gc_collections_total{gc="G1 Young Generation"} 12
neo4j_jvm_gc_seconds_total{gc="G1 Young Generation"} 0.34
neo4j_jvm_threads 44
neo4j_jvm_cpu_seconds_total 12.5
neo4j_jvm_open_file_descriptors 345
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.collector import Collector, SourceKind, stateless
from exporter.metrics import counter, gauge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.metrics import Sample
    from exporter.sources.neo4j import Neo4jSource

# Single attributes: the bean Runtime also has the command line, secrets and all.
JVM = """
CALL dbms.queryJmx('java.lang:type=Memory') YIELD attributes AS memory
CALL dbms.queryJmx('java.lang:type=Threading') YIELD attributes AS threading
CALL dbms.queryJmx('java.lang:type=OperatingSystem') YIELD attributes AS system
CALL dbms.queryJmx('java.lang:type=Runtime') YIELD attributes AS runtime
WITH memory.HeapMemoryUsage.value.properties AS heap,
  memory.NonHeapMemoryUsage.value.properties AS other, threading, system, runtime
RETURN heap.used AS heap_used, heap.committed AS heap_committed, heap.max AS heap_max,
  other.used AS nonheap_used, other.committed AS nonheap_committed,
  other.max AS nonheap_max, threading.ThreadCount.value AS threads,
  system.ProcessCpuTime.value AS cpu_ns,
  system.OpenFileDescriptorCount.value AS open_files,
  system.MaxFileDescriptorCount.value AS max_files,
  runtime.StartTime.value AS start_ms"""
GC = """
CALL dbms.queryJmx('java.lang:type=GarbageCollector,name=*') YIELD attributes
RETURN attributes.Name.value AS name, attributes.CollectionCount.value AS count,
  attributes.CollectionTime.value AS spent_ms"""

START = gauge(
    "neo4j_jvm_start_time_seconds",
    "StartTime of dbms.queryJmx, bean Runtime: Unix time in seconds.",
)
USED = gauge(
    "neo4j_jvm_memory_used_bytes", "dbms.queryJmx, bean Memory: bytes in use.", "area"
)
COMMITTED = gauge(
    "neo4j_jvm_memory_committed_bytes",
    "dbms.queryJmx, bean Memory: bytes had from the system.",
    "area",
)
LIMIT = gauge(
    "neo4j_jvm_memory_max_bytes",
    "dbms.queryJmx, bean Memory: bytes that may be used; absent without a limit.",
    "area",
)
THREADS = gauge(
    "neo4j_jvm_threads", "ThreadCount of dbms.queryJmx, bean Threading: live threads."
)
CPU = counter(
    "neo4j_jvm_cpu_seconds_total",
    "ProcessCpuTime of dbms.queryJmx, bean OperatingSystem: seconds.",
)
FILES = gauge(
    "neo4j_jvm_open_file_descriptors",
    "OpenFileDescriptorCount of dbms.queryJmx, bean OperatingSystem.",
)
MOST_FILES = gauge(
    "neo4j_jvm_max_file_descriptors",
    "MaxFileDescriptorCount of dbms.queryJmx, bean OperatingSystem.",
)
COLLECTIONS = counter(
    "neo4j_jvm_gc_collections_total",
    "CollectionCount of dbms.queryJmx, beans GarbageCollector.",
    "gc",
)
COLLECTING = counter(
    "neo4j_jvm_gc_seconds_total",
    "CollectionTime of dbms.queryJmx, beans GarbageCollector: seconds.",
    "gc",
)


@dataclass(frozen=True, slots=True)
class Jvm:
    """Attributes of four beans; -1 stands for no limit."""

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
    start_ms: int | None


@dataclass(frozen=True, slots=True)
class Gc:
    """One garbage collector since the start of the server."""

    name: str
    count: int | None
    spent_ms: int | None


class Reading(NamedTuple):
    """The beans that one poll has read."""

    jvm: list[Jvm]
    gc: list[Gc]


async def read(source: Neo4jSource) -> Reading:
    """Read the beans of the JVM."""
    return Reading(await source.fetch(Jvm, JVM), await source.fetch(Gc, GC))


def samples(reading: Reading, _state: None) -> Iterator[Sample]:
    """Turn attributes into samples; what the JVM does not have is absent."""
    for jvm in reading.jvm:
        yield from _jvm(jvm)
    for gc in reading.gc:
        yield COLLECTIONS(gc.count, gc.name)
        yield COLLECTING(_scaled(gc.spent_ms, 1000), gc.name)


def _jvm(jvm: Jvm) -> Iterator[Sample]:
    yield START(_scaled(jvm.start_ms, 1000))
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
)
