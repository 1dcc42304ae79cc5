"""From a thread to an event loop: what the thread finds is handed over many at a time."""

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Bridge(Generic[_T]):
    """Brings items of one thread to a function that is called in a loop, in their order.

    The loop is woken once for all that came since it last looked: to wake it costs more than most items do.
    """

    __slots__ = ("_items", "_take", "_woken", "loop")

    def __init__(self, loop: AbstractEventLoop, take: Callable[[Iterator[_T]], None]) -> None:
        self.loop = loop
        self._take = take
        self._items: deque[_T] = deque()
        self._woken = False

    def put(self, item: _T) -> None:
        """Hands over an item, from any thread. Where the loop is closed it stays, for :meth:`pop_all`."""
        self._items.append(item)
        if not self._woken:
            self._woken = True
            try:
                self.loop.call_soon_threadsafe(self._hand_over)
            except RuntimeError:  # the loop is closed
                self._woken = False

    def pop_all(self) -> Iterator[_T]:
        """What is on its way, oldest first."""
        while self._items:
            yield self._items.popleft()

    def _hand_over(self) -> None:
        self._woken = False  # before looking, so that what comes meanwhile wakes the loop again
        self._take(self.pop_all())
