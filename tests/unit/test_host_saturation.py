"""What is waited for, what can be full, what the network repeats, and the clock."""

from __future__ import annotations

from exporter.collectors import (
    host_clock,
    host_kernel_limits,
    host_pressure,
    host_sockets,
)
from exporter.sources.host_clock import Clock, Timex
from tests.unit.sampled import values

CPU = """\
some avg10=1.66 avg60=4.57 avg300=3.75 total=2563386210
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
"""
IO = """\
some avg10=0.01 avg60=0.22 avg300=0.23 total=90898010
full avg10=0.01 avg60=0.18 avg300=0.18 total=49518290
"""
SNMP = """\
Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RetransSegs MaxConn
Tcp: 1 1204 -1
"""
NETSTAT = """\
TcpExt: SyncookiesSent ListenOverflows
TcpExt: 0 17
IpExt: InOctets
IpExt: 9007199254740993
"""
SNMP6 = """\
Ip6InOctets                     	12
Udp6NoPorts                     	3
"""
SOCKSTAT = """\
sockets: used 214
TCP: inuse 37 orphan 0 tw 5 alloc 40 mem 3
FRAG: inuse 0 memory 0
"""


def test_pressure_is_in_seconds_and_what_a_kernel_lacks_is_absent() -> None:
    texts = {"proc/pressure/cpu": CPU, "proc/pressure/io": IO}
    assert values(host_pressure.samples(texts, None)) == {
        "node_pressure_cpu_waiting_seconds_total": {(): 2563.38621},
        "node_pressure_io_waiting_seconds_total": {(): 90.89801},
        "node_pressure_io_stalled_seconds_total": {(): 49.51829},
    }


def test_a_machine_without_pressure_shows_none() -> None:
    assert values(host_pressure.samples({}, None)) == {}


def test_tables_of_the_kernel_are_shown_with_their_limits() -> None:
    texts = {
        "proc/sys/fs/file-nr": "833\t0\t2466183\n",
        "proc/sys/net/netfilter/nf_conntrack_count": "214\n",
        "proc/sys/net/netfilter/nf_conntrack_max": "262144\n",
    }
    assert values(host_kernel_limits.samples(texts, None)) == {
        "node_filefd_allocated": {(): 833},
        "node_filefd_maximum": {(): 2466183},
        "node_nf_conntrack_entries": {(): 214},
        "node_nf_conntrack_entries_limit": {(): 262144},
    }
    assert values(host_kernel_limits.samples({}, None)) == {}


def test_what_the_kernel_had_to_drop_is_summed_or_shown_by_processor() -> None:
    texts = {
        "net/stat/nf_conntrack": "entries  searched found insert_failed drop\n"
        "00000005  00000000 0000000a 00000001 00000010\n"
        "00000005  00000000 00000001 00000000 00000001\n",
        "net/softnet_stat": "0000000a 00000002 00000001 0 0 0 0 0 0 0 0 0 00000000\n"
        "0000000b 00000000 00000000 0 0 0 0 0 0 0 0 0 00000003\n",
    }
    assert values(host_kernel_limits.samples(texts, None)) == {
        "node_nf_conntrack_stat_found": {(): 11},
        "node_nf_conntrack_stat_insert_failed": {(): 1},
        "node_nf_conntrack_stat_drop": {(): 17},
        "node_softnet_processed_total": {("0",): 10, ("3",): 11},
        "node_softnet_dropped_total": {("0",): 2, ("3",): 0},
        "node_softnet_times_squeezed_total": {("0",): 1, ("3",): 0},
    }


def test_an_old_kernel_numbers_no_processor() -> None:
    texts = {"net/softnet_stat": "0a 02 01 0 0 0 0 0 0 0\n0b 00 00 0 0 0 0 0 0 0\n"}
    found = values(host_kernel_limits.samples(texts, None))
    assert found["node_softnet_dropped_total"] == {("0",): 2, ("1",): 0}


def test_sockets_and_what_the_protocols_counted_are_shown() -> None:
    rows = host_sockets.Sockets(
        host_sockets.pairs(SNMP + NETSTAT) | host_sockets.single(SNMP6),
        host_sockets.states(SOCKSTAT),
        4096,
    )
    found = values(host_sockets.samples(rows, None))
    assert {name: family[()] for name, family in found.items()} == {
        "node_netstat_Ip_Forwarding": 1,
        "node_netstat_Tcp_RetransSegs": 1204,
        "node_netstat_TcpExt_SyncookiesSent": 0,
        "node_netstat_TcpExt_ListenOverflows": 17,
        "node_netstat_IpExt_InOctets": 9007199254740993,
        "node_netstat_Ip6_InOctets": 12,
        "node_netstat_Udp6_NoPorts": 3,
        "node_sockstat_sockets_used": 214,
        "node_sockstat_TCP_inuse": 37,
        "node_sockstat_TCP_orphan": 0,
        "node_sockstat_TCP_tw": 5,
        "node_sockstat_TCP_alloc": 40,
        "node_sockstat_TCP_mem": 3,
        "node_sockstat_TCP_mem_bytes": 3 * 4096,
        "node_sockstat_FRAG_inuse": 0,
        "node_sockstat_FRAG_memory": 0,
    }


def test_the_clock_is_shown_with_its_error() -> None:
    timex = Timex(
        synchronised=True,
        offset=-0.00012,
        most_error=0.02,
        estimated_error=0.01,
        frequency_ratio=1.000005,
        status=8193,
        tai_offset=37,
        tick=0.01,
        constant=2,
    )
    found = values(host_clock.samples(Clock(1.7e9, timex), None))
    assert {name: family[()] for name, family in found.items()} == {
        "node_time_seconds": 1.7e9,
        "node_timex_sync_status": 1,
        "node_timex_offset_seconds": -0.00012,
        "node_timex_maxerror_seconds": 0.02,
        "node_timex_estimated_error_seconds": 0.01,
        "node_timex_frequency_adjustment_ratio": 1.000005,
        "node_timex_status": 8193,
        "node_timex_tai_offset_seconds": 37,
        "node_timex_tick_seconds": 0.01,
        "node_timex_loop_time_constant": 2,
    }


def test_a_kernel_that_does_not_tell_of_its_clock_leaves_the_time() -> None:
    found = values(host_clock.samples(Clock(1.7e9, None), None))
    assert found == {"node_time_seconds": {(): 1.7e9}}
