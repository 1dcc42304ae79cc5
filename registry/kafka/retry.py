"""When a record that could not be handled is tried again."""

from random import uniform
from typing import Final

from registry.frozen import dataclass
from registry.kafka.errors import SettingsError

_STEPS: Final = 60
"""Doublings after which a delay stops growing: long past any sensible limit, and short of a float's."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a handler is called for one record, and how many seconds lie between."""

    attempts: int = 5
    """Calls in all, the first among them; after the last one the record goes to the dead letters."""
    first: float = 0.1
    """Seconds after the first failure."""
    factor: float = 2.0
    """What each further delay is multiplied by."""
    longest: float = 30.0
    """Seconds that no delay exceeds, before jitter."""
    jitter: float = 0.1
    """The share by which a delay may be longer or shorter, so that instances do not all come back at once."""
    never: tuple[type[Exception], ...] = ()
    """Errors that no second call would cure: their records go to the dead letters at once."""
    always: tuple[type[Exception], ...] = ()
    """Errors of an outage, of which no record is to blame: tried again without end, and never a dead letter."""

    def delay(self, attempt: int) -> float:
        """Seconds from the failure of this attempt, counted from 1, to the next one."""
        grown = min(self.longest, self.first * self.factor ** min(attempt - 1, _STEPS))
        return grown * uniform(1 - self.jitter, 1 + self.jitter)


def check_retry(retry: Retry) -> None:
    """Raises :class:`SettingsError` for numbers that describe no retry."""
    wrong = [
        fact
        for fact, holds in (
            (f"attempts={retry.attempts}: the first call is one too", retry.attempts < 1),
            (f"first={retry.first}: a delay of nothing would never let the others go on", not retry.first > 0),
            (f"factor={retry.factor}: delays would shrink", not retry.factor >= 1),
            (f"longest={retry.longest} is shorter than first={retry.first}", retry.longest < retry.first),
            (f"jitter={retry.jitter} is not at least 0 and less than 1", not 0 <= retry.jitter < 1),
        )
        if holds
    ]
    if wrong:
        raise SettingsError(f"no such retry: {'; '.join(wrong)}")
