"""Connections for asyncio that are open and not in use: each is lent to one task at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any


class AsyncShelf:
    """At most ``limit`` connections; a task that finds none waits until one comes back. For one event loop."""

    def __init__(self, open: Callable[[], Awaitable[Any]], usable: Callable[[Any], bool], limit: int) -> None:
        self._open = open
        self._usable = usable
        self._idle: list[Any] = []
        self._room = asyncio.Semaphore(limit)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lends one, and takes it back where it is still usable."""
        async with self._room:
            connection = self._idle.pop() if self._idle else await self._open()
            try:
                yield connection
            finally:
                if self._usable(connection):
                    self._idle.append(connection)
                else:
                    await connection.close()

    async def check(self) -> None:
        """Drops what is idle: called when one of them turned out to be broken, since the others will be too."""
        while self._idle:
            await self._idle.pop().close()
