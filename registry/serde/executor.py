"""Threads that know what is being handled."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from registry.serde.context import bind

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ContextExecutor(ThreadPoolExecutor):
    """A thread pool whose work runs in the context it was submitted in: what it publishes keeps the correlation id."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """As the standard executor's; ``map`` goes through here too."""
        return super().submit(bind(fn), *args, **kwargs)
