"""What goes wrong with an event on its way to bytes or back, as one sentence with the place and the way out."""

from registry.errors import RegistryError


class SerdeError(RegistryError):
    """An event cannot be written, read or published.

    Its ``help`` is a note as well, so that a traceback and a log that prints one show the way out.
    """

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message, help)
        if help:
            self.add_note(f"help: {help}")


class CodecError(SerdeError):
    """A value or its bytes are not what the schema says: ``'x' is no int at /levels[2]/delta``."""

    def __init__(self, fact: str, path: str = "", help: str = "", subject: str = "") -> None:
        self.fact = fact
        """What is wrong, without the place."""
        self.path = path
        """The place, from the event down: ``/author/name``, ``/tags[2]``, ``/prices{"EUR"}``; empty for the event."""
        self.subject = subject
        """The event and its version, ``playconnect.content.ContentPublished v3``, where they are known."""
        sentence = f"{fact} at {path}" if path else fact
        super().__init__(f"{subject}: {sentence}" if subject else sentence, help)

    def of(self, subject: str) -> "CodecError":
        """The same error, with the event and version it happened to."""
        return type(self)(self.fact, self.path, self.help, self.subject or subject)


class EncodeError(CodecError):
    """The value is none of the schema's; nothing was written."""


class VersionRetired(SerdeError):
    """What this build can write may not be written any more, as the rollout of the contract says."""


class Unrepresentable(EncodeError):
    """The version that is active cannot express the value; nothing was written, and nothing was made up."""


class DecodeError(CodecError):
    """The bytes are none of the writer's, or the reader cannot read what they hold."""


class UnknownSchema(DecodeError):
    """The record was written with a schema that neither the stubs nor a fallback know."""


class EnvelopeError(CodecError):
    """The envelope is incomplete, or the headers say something else than the payload."""


class MissingCorrelation(EnvelopeError):
    """No correlation id: none was given, and no record is being handled."""


class NotOwner(SerdeError):
    """A service asked to write what another one owns."""


class UnfitStub(SerdeError):
    """The stubs were made for another service, or by another version of the library."""
