"""The lines that librdkafka logs: they go where the service's own do, without what repeats itself."""

import logging
import re
from collections.abc import Callable
from time import monotonic
from typing import Final

LOG: Final = logging.getLogger("registry.kafka.client")
"""The client's own lines go where the service's do, and not to the standard error."""

AGAIN: Final = 60.0
"""Seconds after which it is told again that an address does not answer: the client tries for ever, twice a second."""

_NO_ANSWER: Final = re.compile(
    r": (?P<address>[^ /]+)(?:/\w+)?: (?:Connect to \S+ failed|Failed to resolve '[^']*'): (?P<reason>.+?)"
    r" \(after \d+ms in state CONNECT"
)


class News:
    """A filter: passes on what is news. It knows two lines that are none, and changes or hides nothing else."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._told: dict[tuple[str, str], float] = {}

    def __call__(self, line: logging.LogRecord) -> bool:
        said = line.getMessage()
        # gapless= was chosen with the fact known that librdkafka calls the property experimental.
        if "Configuration property enable.gapless.guarantee is experimental" in said:
            return False
        found = _NO_ANSWER.search(said)
        if found is None:
            return True
        address, reason = found.group("address", "reason")
        now, before = self._clock(), self._told.get((address, reason))
        if before is not None and now - before < AGAIN:
            return False
        self._told[address, reason] = now
        line.msg, line.args = "no broker answers at %s (%s); trying again", (address, reason)
        return True


LOG.addFilter(News())
