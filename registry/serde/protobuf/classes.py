"""The classes that the library makes of messages."""

from collections.abc import Callable
from typing import Any


def find_class(message: Any) -> Any:
    """The class of a message, by its descriptor."""
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(message)


def find_method(class_: type, name: str) -> Callable[..., Any]:
    """A method of messages, also where a field of the message is called like it."""
    found: Callable[..., Any] = next(vars(each)[name] for each in class_.__mro__ if name in vars(each))
    return found
