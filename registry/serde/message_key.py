"""The key of an event's record, from the field that the contract names."""

from binascii import hexlify
from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from registry.serde.bundle import Bundle
from registry.serde.errors import EncodeError
from registry.serde.meta import Meta
from registry.serde.naming import attribute_name

KeyOf = Callable[[object, Meta], bytes]
"""Of an event and its envelope, the key."""


def compile_key(bundle: Bundle) -> KeyOf | None:
    """What finds the key of an event; ``None`` for a contract without one.

    Text is written as UTF-8, bytes as they are, numbers and ids in their usual spelling: equal for all versions and
    both languages. What is compiled raises :class:`EncodeError` where an event has no key.
    """
    if not bundle.key:
        return None
    path = tuple(bundle.key.split("."))
    role = next((role for role, at in bundle.newest.shape.envelope.items() if at == path), None)
    attribute = attribute_name(bundle.key)
    usual: dict[type, Callable[[Any], bytes]] = {}
    if role is None and len(path) == 1:
        usual[str] = str.encode

    def find(event: object, meta: Meta) -> bytes:
        value = getattr(event, attribute, None)
        write = usual.get(value.__class__)
        # What is empty, or 0, is looked at more closely.
        return write(value) if write and value else look(event, meta)

    def look(event: object, meta: Meta) -> bytes:
        value: Any = event
        for name in path:
            value = value.get(name) if isinstance(value, dict) else getattr(value, attribute_name(name), None)
        if role:
            value = getattr(meta, role)
        key = _write_key(value, bundle)
        if usual and type(value).__module__ == "uuid":  # imported by who has one; it takes as long as all of this
            usual[type(value)] = _write_uuid
        return key

    return find


def _write_key(value: Any, bundle: Bundle) -> bytes:
    place = "/" + bundle.key.replace(".", "/")
    if isinstance(value, str | bytes) and not value:
        raise EncodeError(
            "the message key is empty",
            place,
            help="events of all keys that are empty would follow each other, and replace each other when compacted",
            subject=bundle.event,
        )
    if type(value) is bytes:
        return value
    # A subclass is spelled as the payload spells it, whatever it looks like when it is printed.
    spell = next((_SPELLED[kind.__name__] for kind in type(value).__mro__ if kind.__name__ in _SPELLED), None)
    spelled = spell(value) if spell else getattr(value, "value", None)
    if not isinstance(spelled, str | int):
        from registry.described import describe_python

        raise EncodeError(
            f"the message key is {describe_python(value)}",
            place,
            help="a key is a text, a number, an id, bytes or an enum",
            subject=bundle.event,
        )
    return str(spelled).encode()


def _refuse(_value: object) -> None:
    """A bool is an int, and a datetime a date, but neither has one spelling that everybody uses."""


_SPELLED: Final[dict[str, Callable[[Any], str | None]]] = {
    "bool": _refuse,
    "datetime": _refuse,
    "str": str.__str__,
    "int": int.__repr__,
    "UUID": str,
    "date": str,
}
"""Types whose text is one and the same for equal values, by name; an enum is spelled by its value."""

_cut_uuid: Final = Struct("8s4s4s4s12s").unpack


def _write_uuid(value: Any) -> bytes:
    """As ``str`` does, in half of its time."""
    return b"-".join(_cut_uuid(hexlify(value.int.to_bytes(16, "big"))))
