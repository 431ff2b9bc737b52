"""Threads for calls that may hang, such as asking a name server that is silent."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
ResultT = TypeVar("ResultT")


class Threads(ThreadPoolExecutor):
    """An event loop's executor that runs each call in a daemon thread of its own.

    The usual pool has six threads on two processors, which as many hung calls occupy,
    and neither the loop nor the process ends before all of them have come back.
    """

    def submit(
        self, fn: Callable[P, ResultT], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[ResultT]:
        """Begin a call."""
        future: Future[ResultT] = Future()
        call = partial(fn, *args, **kwargs)
        Thread(target=_run, args=(future, call), daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - the signature is concurrent.futures'
        """Wait for nobody."""


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
        future.set_exception(error)
    else:
        future.set_result(result)
