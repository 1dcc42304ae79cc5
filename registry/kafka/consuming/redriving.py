"""What a redrive makes of dead letters, for threads and for asyncio: the events in them, new letters, and a count."""

from registry.kafka.consuming.dead_letters import NoDeadLetter, parse_dead_letter, render_dead_letter
from registry.kafka.consuming.reading import UNREADABLE, make_unreadable
from registry.kafka.observer import Observer
from registry.kafka.observing import LOG
from registry.serde.delivery import Delivery, place
from registry.serde.receiver import Receiver
from registry.serde.record import Record


class Redriving(Observer):
    """The dead letters of one group in one topic. As an observer it counts what becomes of them."""

    def __init__(self, receiver: Receiver, group: str, topic: str) -> None:
        self._receiver = receiver
        self._group = group
        self._topic = topic
        self._handled = self._repeated = self._again = self._others = 0

    def read(self, letter: Record) -> Delivery | None:
        """The event of a letter, as if it came from its own topic; ``None`` for what is not this group's."""
        try:
            found = parse_dead_letter(letter)
        except NoDeadLetter as error:
            LOG.error("passed over: %s", error)
            self._others += 1
            return None
        mine = (found.service, found.group) == (self._receiver.service, self._group)
        if mine and found.record.headers == UNREADABLE:
            raise make_unreadable()
        delivery = self._receiver.read(found.record) if mine else None
        self._others += delivery is None
        return delivery

    def render(self, letter: Record, error: Exception, attempts: int) -> Record:
        """The letter of one that failed again, with its attempts added up."""
        record = letter
        if letter.headers is not UNREADABLE:  # else nobody knows whether it is one: it is put aside as it lies here
            found = parse_dead_letter(letter)
            record, attempts = found.record, found.attempts + attempts
        return render_dead_letter(
            record, error, attempts=attempts, service=self._receiver.service, group=self._group, topic=self._topic
        )

    def name(self, letter: Record) -> str:
        """``shop-api.dead-letters[0]@3 (from shop.orders[1]@0)``."""
        if letter.headers is UNREADABLE:
            return place(letter)
        return f"{place(letter)} (from {place(parse_dead_letter(letter).record)})"

    def handled(self, delivery: Delivery, seconds: float) -> None:
        """One was handled."""
        self._handled += 1

    def repeated(self, delivery: Delivery) -> None:
        """One had been handled meanwhile."""
        self._repeated += 1

    def dead_lettered(self, record: Record, error: Exception) -> None:
        """One failed again."""
        self._again += 1

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Handled, repeated, failed again, and passed over."""
        return self._handled, self._repeated, self._again, self._others
