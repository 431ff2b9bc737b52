"""Whom to ask about incidents, and who stands where, by the configuration in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from exporter.catalogue.loader import catalogue
from exporter.collector import SourceKind
from exporter.promises import plan_of
from exporter.sidecar.incidents.candidates import Surroundings
from exporter.sidecar.incidents.fetch import World

if TYPE_CHECKING:
    from exporter.config import Config
    from exporter.config_sidecar import Sidecar


class Configured(Protocol):
    """Whatever knows the configuration in force."""

    @property
    def config(self) -> Config:
        """The same object until another configuration is in force."""


class Worlds:
    """The world as the configuration describes it, made anew when that changes."""

    def __init__(self, followed: Configured, sidecar: Sidecar) -> None:
        """Take where the configuration is to be had; the section stays as it is."""
        self._followed, self._sidecar = followed, sidecar
        self._made_of = followed.config
        self._world = world_of(self._made_of, sidecar)

    def now(self) -> World:
        """Return whom to ask now."""
        config = self._followed.config
        if config is not self._made_of:
            self._made_of = config
            self._world = world_of(config, self._sidecar)
        return self._world

    def around(self) -> Surroundings:
        """Return who stands where now."""
        return self.now().around


def world_of(config: Config, sidecar: Sidecar) -> World:
    """Return whom to ask about incidents, and who stands where."""
    kpis = {kpi.id: kpi for subject in catalogue() for kpi in subject.kpis}
    subjects = {k.id: s.subject for s in catalogue() for k in s.kpis}
    kinds = {target.name: target.kind for target in config.targets}
    hosts = [name for name, kind in kinds.items() if kind is SourceKind.HOST]
    servers = [name for name in kinds if name not in hosts]
    behind = {
        application.name: application.targets or servers
        for application in plan_of(config).applications
    }
    around = Surroundings(subjects, behind, hosts)
    prometheus = sidecar.prometheus.url if sidecar.prometheus else None
    tables = config.web.evidence
    return World(sidecar.exporter, prometheus, kpis, kinds, around, tables)
