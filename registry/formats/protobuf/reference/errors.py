"""What can go wrong with a value or with bytes."""


class CodecError(ValueError):
    """A value that cannot be written, or bytes that cannot be read: ``fact``, at ``path``."""

    def __init__(self, fact: str, path: str) -> None:
        super().__init__(f"{fact} at {path or '/'}")
        self.fact = fact
        self.path = path or "/"


class EncodeError(CodecError):
    """A value that the writer's schema does not allow."""


class DecodeError(CodecError):
    """Bytes that the reader's schema refuses."""


class UnusableDescriptors(RuntimeError):
    """The installed protobuf does not take what protoc wrote: it is older, or it lacks a feature."""
