"""A real Prometheus scrapes a host by /sd, and has what node_exporter's mixin asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.exporter_process import ExporterProcess, open_folder
from tests.integration.host_machine import build
from tests.integration.peer_joins import selectors, unseen
from tests.integration.test_e2e_prometheus import Prometheus, discovery_job
from tests.unit.host_bus import Fake, Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
NODE = 'job="node",instance="machine"'
FILES = f'{NODE},fstype!="",mountpoint!=""'
CPUS = f'count without (cpu, mode) (node_cpu_seconds_total{{{NODE},mode="idle"}})'
# The expressions of node-mixin's rules, without the limit that each ends in.
JOINS = (
    (
        f"node_filesystem_avail_bytes{{{FILES}}}"
        f" / node_filesystem_size_bytes{{{FILES}}}"
        f" and node_filesystem_readonly{{{FILES}}} == 0"
    ),
    (
        f"node_filesystem_files_free{{{FILES}}} / node_filesystem_files{{{FILES}}}"
        f" and node_filesystem_readonly{{{FILES}}} == 0"
    ),
    (
        f"rate(node_network_receive_errs_total{{{NODE}}}[1m])"
        f" / rate(node_network_receive_packets_total{{{NODE}}}[1m])"
    ),
    f"node_nf_conntrack_entries{{{NODE}}} / node_nf_conntrack_entries_limit",
    (
        f"abs(node_timex_offset_seconds{{{NODE}}}) >= 0"
        f" and deriv(node_timex_offset_seconds{{{NODE}}}[1m]) >= 0"
    ),
    (
        f"min_over_time(node_timex_sync_status{{{NODE}}}[1m]) >= 0"
        f" and node_timex_maxerror_seconds{{{NODE}}} >= 0"
    ),
    (
        f'node_md_disks_required{{{NODE},device=~"md.+"}}'
        f' - ignoring (state) (node_md_disks{{state="active",{NODE},device=~"md.+"}})'
    ),
    f'node_md_disks{{state="failed",{NODE},device=~"md.+"}} > 0',
    f"node_filefd_allocated{{{NODE}}} * 100 / node_filefd_maximum{{{NODE}}}",
    (
        f"sum without (mode) (avg without (cpu)"
        f' (rate(node_cpu_seconds_total{{{NODE},mode!~"idle|iowait"}}[1m])))'
    ),
    f"node_load1{{{NODE}}} / {CPUS}",
    f"rate(node_vmstat_pgmajfault{{{NODE}}}[1m])",
    (
        f"100 - (node_memory_MemAvailable_bytes{{{NODE}}}"
        f" / node_memory_MemTotal_bytes{{{NODE}}} * 100)"
    ),
    (
        f"1 - (node_memory_Buffers_bytes{{{NODE}}} + node_memory_Cached_bytes{{{NODE}}}"
        f" + node_memory_MemFree_bytes{{{NODE}}} + node_memory_Slab_bytes{{{NODE}}})"
        f" / node_memory_MemTotal_bytes{{{NODE}}}"
    ),
    f'rate(node_disk_io_time_weighted_seconds_total{{{NODE},device!=""}}[1m])',
    f'node_systemd_unit_state{{{NODE},state="failed"}} == 1',
    f"increase(node_systemd_service_restart_total{{{NODE}}}[1m])",
    f"(node_bonding_slaves{{{NODE}}} - node_bonding_active{{{NODE}}}) != 0",
    (
        "sum without (device) (rate("
        f'node_network_receive_drop_total{{{NODE},device!="lo"}}[1m]))'
    ),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Prometheus]:
    """Let Prometheus scrape an exporter that is shown a machine's root."""
    units = [Fake("ssh.service", "active"), Fake("backup.service", "failed")]
    with open_folder() as folder:
        root = folder / "root"
        build(root)
        config = {"interval": "1s", "host": {"machine": {"rootfs": str(root)}}}
        with (
            Systemd(root, units),
            ExporterProcess(folder / "exporter", config) as exporter,
        ):
            found = Prometheus(folder / "prometheus", discovery_job(exporter))
            try:
                found.start()
                yield found
            finally:
                found.stop()


def after_a_while(server: Prometheus, queries: list[str]) -> list[str]:
    """Return what is still without an answer when the patience ends."""
    deadline = time.monotonic() + PATIENCE
    while (left := unseen(server, iter(queries))) and time.monotonic() < deadline:
        time.sleep(1)
    return left


def test_every_series_of_the_node_mixin_is_there_with_its_labels(
    server: Prometheus,
) -> None:
    wanted = list(selectors("node-mixin", "node", "machine"))
    assert len(wanted) == 45
    assert after_a_while(server, wanted) == []


def test_every_join_of_the_node_mixin_has_a_result(server: Prometheus) -> None:
    assert after_a_while(server, list(JOINS)) == []


def test_nothing_is_joined_with_more_than_one_of_its_kind(server: Prometheus) -> None:
    joined = f"node_load1{{{NODE}}} / {CPUS}"
    assert after_a_while(server, [joined]) == []
    (found,) = server.ask("query", query=joined)["result"]
    assert found["metric"].keys() == {"instance", "job", "target"}
