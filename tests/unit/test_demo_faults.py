"""Finding faults by name, and refusing those that cannot be injected."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.demo import faults
from exporter.demo.places import Graph, Places

PLACES = Places(application="http://127.0.0.1:1")


def test_every_file_of_the_folder_is_a_fault() -> None:
    files = {path.stem for path in Path(faults.__file__).parent.glob("*.py")}
    expected = {name.replace("_", "-") for name in files - {"__init__"}}
    assert set(faults.names()) == expected
    assert {"slow-query", "lock", "neo4j-drop-index", "app-slow"} <= expected


@pytest.mark.parametrize("name", faults.names())
def test_a_fault_says_what_it_breaks_and_which_promise(name: str) -> None:
    fault = faults.load(name)
    assert fault.name == name
    assert "Breaks the promise" in fault.breaks
    assert set(fault.needs) <= {"postgres", "redis", "neo4j"}


@pytest.mark.parametrize("name", ["", "slow_query", "nothing", "__init__", "../x"])
def test_an_unknown_fault_is_refused_with_all_names(name: str) -> None:
    with pytest.raises(faults.FaultError) as error:
        faults.load(name)
    assert all(known in str(error.value) for known in faults.names())


def test_a_fault_without_its_server_is_refused_with_the_servers_name() -> None:
    with pytest.raises(faults.FaultError, match=r"lock needs PostgreSQL"):
        faults.require(faults.load("lock"), PLACES)


def test_a_fault_with_its_server_is_accepted() -> None:
    graph = Graph("bolt://127.0.0.1:1", "neo4j", "x")
    places = Places("http://127.0.0.1:1", neo4j=graph)
    faults.require(faults.load("neo4j-scan"), places)
    faults.require(faults.load("cpu"), PLACES)


def test_places_survive_the_settings_file() -> None:
    graph = Graph("bolt://127.0.0.1:1", "neo4j", "x")
    for places in (PLACES, Places("a", redis="b", postgres="c", neo4j=graph)):
        assert Places.from_dict(places.as_dict()) == places
