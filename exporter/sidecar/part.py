"""The shape of what the sidecar does: sync, delivery proof, incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aiohttp import web

    from exporter.sidecar.payload import Payload


class Part(Protocol):
    """One task of the sidecar; `sidecar/app.py` runs all that are configured."""

    async def run(self) -> None:
        """Work until cancelled; an error that leaves it ends the process."""

    async def close(self) -> None:
        """Give back what is open, after `run` has ended."""

    async def received(self, payload: Payload) -> None:
        """Take an Alertmanager's call; it is acknowledged when this returns.

        What is raised is answered with 503, so that Alertmanager sends it again. The
        others may have taken it then: what is taken twice must count once.
        """

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the pages that are added to the sidecar's."""

    def problems(self) -> Sequence[str]:
        """Say what does not work now, each a sentence for people; empty when ready."""
