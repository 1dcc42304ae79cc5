"""The way to the dead letters from an event loop: a letter counts as written when the broker has it."""

import asyncio
from collections.abc import Mapping

from registry.kafka.consuming.letters import PATIENCE, explain_unwritten, letter_settings
from registry.kafka.errors import DeliveryFailed
from registry.kafka.producing.async_transport import AsyncKafkaTransport
from registry.serde.record import Record
from registry.serde.transport import AsyncTransport


class AsyncLetters:
    """As :class:`registry.kafka.consuming.letters.Letters`."""

    def __init__(self, transport: AsyncTransport | None, settings: Mapping[str, object]) -> None:
        self._given = transport
        self._settings = letter_settings(settings)
        self._own: AsyncKafkaTransport | None = None

    async def write(self, letter: Record) -> None:
        """Sends a letter, and waits until the broker has it, at most :data:`PATIENCE` seconds.

        Raises what the transport does, and :class:`DeliveryFailed`. A letter that was given up may still arrive: then
        it is there twice, with the same place of origin.
        """
        try:
            async with asyncio.timeout(PATIENCE) as limit:
                await (self._given or await self._open()).send(letter)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise explain_unwritten(letter, f"no answer within {PATIENCE:g} s") from error
        except DeliveryFailed as error:
            raise explain_unwritten(letter, error.failures[0][1] if error.failures else str(error)) from error

    async def close(self) -> None:
        """Closes the transport that was opened here."""
        own, self._own = self._own, None
        if own is not None:
            await own.close(PATIENCE)

    async def _open(self) -> AsyncKafkaTransport:
        if self._own is not None and self._own.fatal:
            await self.close()
        if self._own is None:
            self._own = AsyncKafkaTransport(self._settings, patience=PATIENCE)
        return self._own
