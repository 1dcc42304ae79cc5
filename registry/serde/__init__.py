"""The serializer that services run: typed events to framed bytes and back, in old and new versions at once.

A door: each name is loaded from its module when it is first asked for, so that a service pays for what it uses.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from registry.formats.avro.duration import Duration as Duration
    from registry.serde.async_consumer import AsyncConsumer as AsyncConsumer
    from registry.serde.async_memory import AsyncInMemory as AsyncInMemory
    from registry.serde.async_producer import AsyncProducer as AsyncProducer
    from registry.serde.bundle import STUB_FORMAT as STUB_FORMAT
    from registry.serde.bundle import Bundle as Bundle
    from registry.serde.bundle import BundledVersion as BundledVersion
    from registry.serde.compatible import Compatible as Compatible
    from registry.serde.consumer import Consumer as Consumer
    from registry.serde.context import bind as bind
    from registry.serde.context import correlation as correlation
    from registry.serde.context import current_correlation as current_correlation
    from registry.serde.context import trace_with as trace_with
    from registry.serde.conversion import Inconvertible as Inconvertible
    from registry.serde.delivery import Delivery as Delivery
    from registry.serde.errors import CodecError as CodecError
    from registry.serde.errors import DecodeError as DecodeError
    from registry.serde.errors import EncodeError as EncodeError
    from registry.serde.errors import EnvelopeError as EnvelopeError
    from registry.serde.errors import MissingCorrelation as MissingCorrelation
    from registry.serde.errors import NotOwner as NotOwner
    from registry.serde.errors import SerdeError as SerdeError
    from registry.serde.errors import UnfitStub as UnfitStub
    from registry.serde.errors import UnknownSchema as UnknownSchema
    from registry.serde.errors import Unrepresentable as Unrepresentable
    from registry.serde.errors import VersionRetired as VersionRetired
    from registry.serde.executor import ContextExecutor as ContextExecutor
    from registry.serde.fallback import Fallback as Fallback
    from registry.serde.folder import Folder as Folder
    from registry.serde.framing import Framing as Framing
    from registry.serde.hooks import from_avro as from_avro
    from registry.serde.hooks import from_message as from_message
    from registry.serde.hooks import to_avro as to_avro
    from registry.serde.hooks import to_message as to_message
    from registry.serde.http_registry import HttpRegistry as HttpRegistry
    from registry.serde.memory import InMemory as InMemory
    from registry.serde.memory import Subscription as Subscription
    from registry.serde.meta import Meta as Meta
    from registry.serde.producer import Producer as Producer
    from registry.serde.receiver import Receiver as Receiver
    from registry.serde.record import Record as Record
    from registry.serde.serde import Serde as Serde
    from registry.serde.shape import Shape as Shape
    from registry.serde.stubs import check_stub as check_stub
    from registry.serde.transport import AsyncTransport as AsyncTransport
    from registry.serde.transport import Transport as Transport
    from registry.serde.upgrading import upgrade as upgrade

_MODULES: Final = {
    "registry.formats.avro.duration": ("Duration",),
    "registry.serde.async_consumer": ("AsyncConsumer",),
    "registry.serde.async_memory": ("AsyncInMemory",),
    "registry.serde.async_producer": ("AsyncProducer",),
    "registry.serde.bundle": ("STUB_FORMAT", "Bundle", "BundledVersion"),
    "registry.serde.compatible": ("Compatible",),
    "registry.serde.consumer": ("Consumer",),
    "registry.serde.context": ("bind", "correlation", "current_correlation", "trace_with"),
    "registry.serde.conversion": ("Inconvertible",),
    "registry.serde.delivery": ("Delivery",),
    "registry.serde.errors": (
        "CodecError",
        "DecodeError",
        "EncodeError",
        "EnvelopeError",
        "MissingCorrelation",
        "NotOwner",
        "SerdeError",
        "UnfitStub",
        "UnknownSchema",
        "Unrepresentable",
        "VersionRetired",
    ),
    "registry.serde.executor": ("ContextExecutor",),
    "registry.serde.fallback": ("Fallback",),
    "registry.serde.folder": ("Folder",),
    "registry.serde.framing": ("Framing",),
    "registry.serde.hooks": ("from_avro", "from_message", "to_avro", "to_message"),
    "registry.serde.http_registry": ("HttpRegistry",),
    "registry.serde.memory": ("InMemory", "Subscription"),
    "registry.serde.meta": ("Meta",),
    "registry.serde.producer": ("Producer",),
    "registry.serde.receiver": ("Receiver",),
    "registry.serde.record": ("Record",),
    "registry.serde.serde": ("Serde",),
    "registry.serde.shape": ("Shape",),
    "registry.serde.stubs": ("check_stub",),
    "registry.serde.transport": ("AsyncTransport", "Transport"),
    "registry.serde.upgrading": ("upgrade",),
}
"""Module to the names it gives; a test keeps them in step with the imports above."""
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605  # the table above is the list


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"registry.serde has no {name}")
    value = globals()[name] = getattr(import_module(module), name)
    return value
