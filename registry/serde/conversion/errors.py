"""What goes wrong with converters: a document that is none, and a value that the other version cannot express."""

from typing import Final

from registry.serde.errors import SerdeError, Unrepresentable

HOLD: Final = "hold"
DEAD_LETTER: Final = "dead-letter"


class BadConversion(SerdeError):
    """The converters that a version declares (upgrade.yaml) make no sense."""

    def __init__(self, fact: str, pointer: str = "", help: str = "") -> None:
        self.fact = fact
        """What is wrong, without the place."""
        self.pointer = pointer
        """The place inside the document (RFC 6901): ``/up/0/scale/by``."""
        super().__init__(f"{fact} at {pointer}" if pointer else fact, help)


class Inconvertible(Unrepresentable):
    """The other version cannot express the value; nothing was made up."""

    def __init__(self, fact: str, path: str = "", help: str = "", subject: str = "", then: str = HOLD) -> None:
        super().__init__(fact, path, help, subject)
        self.then = then
        """What the converters ask for: ``hold`` (stop and wait) or ``dead-letter``."""

    def of(self, subject: str) -> "Inconvertible":
        """The same error, with the event and version it happened to."""
        return type(self)(self.fact, self.path, self.help, self.subject or subject, self.then)
