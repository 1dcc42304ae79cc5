"""Control records and heartbeats as JSON. What a later library adds is passed over, unless the format has a new number.

Every function that parses raises :class:`registry.kafka.rollout.errors.NewerDocument` for a newer format, and
:class:`registry.kafka.rollout.errors.UnreadableDocument` for what is none at all.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from math import inf
from types import MappingProxyType
from typing import Any, Final, TypeVar

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.errors import NewerDocument, UnreadableDocument
from registry.kafka.rollout.heartbeat import Capability, Converted, Heartbeat
from registry.serde.bundle import BundledVersion

CONTROL_FORMAT: Final = 1
"""Rises when a library of today would do the wrong thing with a control record of tomorrow."""
HEARTBEAT_FORMAT: Final = 1
_SHOWN: Final = 80
"""Characters of a value that is none of what it must be: anybody may have written it, and of any size."""
_T = TypeVar("_T")


def render_control(record: ControlRecord) -> str:
    """The value of a control record: JSON, one value a line, always in the same order."""
    return _dump(
        {
            "format": CONTROL_FORMAT,
            "contract": record.contract,
            "environment": record.environment,
            "epoch": record.epoch,
            "active": record.active,
            "writable": list(record.writable),
            "prepare": record.prepare,
            "stored": list(record.stored),
            "versions": [_version_object(version) for version in record.versions],
            "by": record.by,
            "at": _time_text(record.at),
        }
    )


def parse_control(value: bytes | str) -> ControlRecord:
    """The record, from its value."""
    return _parse(value, "control record", CONTROL_FORMAT, _read_control)


def find_higher(known: bytes | None, found: bytes) -> bytes:
    """Of two values of one contract's control record the one that counts; of unreadable ones the later."""
    if known is None:
        return found
    try:
        before = parse_control(known).rank
    except UnreadableDocument:
        return found
    try:
        return found if parse_control(found).rank >= before else known
    except UnreadableDocument:
        return known


def render_heartbeat(heartbeat: Heartbeat) -> str:
    """The value of a heartbeat: JSON on one line, for there are many."""
    return json.dumps(
        {
            "format": HEARTBEAT_FORMAT,
            "environment": heartbeat.environment,
            "service": heartbeat.service,
            "instance": heartbeat.instance,
            "build": heartbeat.build,
            "groups": list(heartbeat.groups),
            "started_at": _time_text(heartbeat.started_at),
            "observed_at": _time_text(heartbeat.observed_at),
            "period": heartbeat.period,
            "contracts": {name: _capability_object(each) for name, each in sorted(heartbeat.contracts.items())},
        },
        ensure_ascii=False,
    )


def parse_heartbeat(value: bytes | str, observed_at: datetime | None = None) -> Heartbeat:
    """The heartbeat, from its value; ``observed_at``, the broker's time of the record, counts where it is known."""
    heartbeat = _parse(value, "heartbeat", HEARTBEAT_FORMAT, _read_heartbeat)
    if observed_at is None:
        return heartbeat
    return replace(heartbeat, observed_at=observed_at)


def _version_object(version: BundledVersion) -> dict[str, object]:
    return {
        "number": version.number,
        "schema_id": version.schema_id,
        "guid": version.guid,
        "root": version.root,
        "files": dict(version.files),
        "descriptors": b64encode(version.descriptors).decode("ascii"),
        "upgrade": version.upgrade,
    }


def _capability_object(capability: Capability) -> dict[str, object]:
    """What it has to say: the rest is empty, as parsing takes what is not there. Each look reads thousands of them."""
    held = {
        "reads": list(capability.reads),
        "served": list(capability.served),
        "writes": list(capability.writes),
        "active": capability.active,
        "epoch": capability.epoch,
        "prepared": capability.prepared,
        "waiting": {str(version): count for version, count in sorted(capability.waiting.items())},
        "waiting_age": capability.waiting_age,
        "outbox": capability.outbox,
        "converted": [
            {"writer": each.writer, "reader": each.reader, "count": each.count, "last_at": _time_text(each.last_at)}
            for each in capability.converted
        ],
        "trouble": capability.trouble,
    }
    return {name: value for name, value in held.items() if value}


class _Bad(Exception):
    """Where in a document something is not what it must be."""


def _parse(value: bytes | str, what: str, known: int, read: Callable[["_Object"], _T]) -> _T:
    try:
        found = _Object(json.loads(value), "")
        if (number := found.number("format")) > known:
            raise NewerDocument(
                f"the {what} has format {number}, and this library reads {known}",
                help="pip install --upgrade event-contracts",
            )
        return read(found)
    except (_Bad, ValueError, OverflowError, RecursionError) as error:
        raise UnreadableDocument(f"no {what}: {error}") from None


class _Object:
    """A JSON object whose members are asked for by their type."""

    __slots__ = ("_at", "_members")

    def __init__(self, found: object, at: str) -> None:
        if not isinstance(found, dict):
            raise _Bad(f"{at or 'it'} is no object")
        self._members: Mapping[str, Any] = found
        self._at = at

    def _take(self, name: str, kinds: type | tuple[type, ...], default: object) -> Any:
        found = self._members.get(name, default)
        if not isinstance(found, kinds) or isinstance(found, bool) != (kinds is bool):
            missing = "is not there" if found is None else f"is {_show(found)}"
            raise _Bad(f"{self._at}{name} {missing}")
        return found

    def text(self, name: str, default: str | None = None) -> str:
        found: str = self._take(name, str, default)
        found.encode()  # half of a character, as JSON can spell it, is a ValueError: nobody could write it down again
        return found

    def number(self, name: str, default: int | None = None) -> int:
        found: int = self._take(name, int, default)
        if found < 0:
            raise _Bad(f"{self._at}{name} is {found}")
        return found

    def seconds(self, name: str, default: float) -> float:
        found = float(self._take(name, (int, float), default))
        if not 0 <= found < inf:  # not a number is none either
            raise _Bad(f"{self._at}{name} is {found}, no time")
        return found

    def truth(self, name: str) -> bool:
        found: bool = self._take(name, bool, False)
        return found

    def time(self, name: str) -> datetime:
        text = self.text(name)
        try:
            found = datetime.fromisoformat(text)
            if found.tzinfo is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):  # also: the first or the last day, which is none in UTC
            pass
        raise _Bad(f"{self._at}{name} is {_show(text)}, no point in time")

    def numbers(self, name: str) -> tuple[int, ...]:
        found = self._take(name, list, [])
        if not all(type(each) is int and each > 0 for each in found):
            raise _Bad(f"{self._at}{name} is {_show(found)}, no list of versions")
        return tuple(found)

    def texts(self, name: str) -> tuple[str, ...]:
        found = self._take(name, list, [])
        if not all(isinstance(each, str) for each in found):
            raise _Bad(f"{self._at}{name} is {_show(found)}, no list of texts")
        "".join(found).encode()
        return tuple(found)

    def objects(self, name: str) -> Iterable["_Object"]:
        for index, each in enumerate(self._take(name, list, [])):
            yield _Object(each, f"{self._at}{name}[{index}].")

    def named(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._take(name, dict, {})
        return found


def _show(found: object) -> str:
    """What a log can bear of it."""
    text = repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _read_control(found: _Object) -> ControlRecord:
    record = ControlRecord(
        contract=found.text("contract"),
        environment=found.text("environment"),
        epoch=found.number("epoch"),
        active=found.number("active"),
        writable=found.numbers("writable"),
        prepare=found.number("prepare", 0),
        stored=found.numbers("stored"),
        versions=tuple(_read_version(each) for each in found.objects("versions")),
        by=found.text("by", ""),
        at=found.time("at") if found.text("at", "") else None,
    )
    if record.active not in record.writable:
        raise _Bad(f"active is {record.active}, which is none of those that are writable: {list(record.writable)}")
    return record


def _read_version(found: _Object) -> BundledVersion:
    files = found.named("files")
    if not all(isinstance(text, str) for text in files.values()):
        raise _Bad("files is no object of texts")
    return BundledVersion(
        number=found.number("number"),
        schema_id=found.number("schema_id"),
        guid=found.text("guid"),
        root=found.text("root"),
        files=MappingProxyType(dict(files)),
        descriptors=b64decode(found.text("descriptors", ""), validate=True),
        upgrade=found.text("upgrade", ""),
    )


def _read_heartbeat(found: _Object) -> Heartbeat:
    contracts = found.named("contracts")
    return Heartbeat(
        environment=found.text("environment"),
        service=found.text("service"),
        instance=found.text("instance"),
        build=found.text("build", ""),
        groups=found.texts("groups"),
        started_at=found.time("started_at"),
        observed_at=found.time("observed_at"),
        period=found.seconds("period", 10.0),
        contracts=MappingProxyType(
            {name: _read_capability(_Object(each, f"contracts.{name}.")) for name, each in contracts.items()}
        ),
    )


def _read_capability(found: _Object) -> Capability:
    waiting = found.named("waiting")
    if not all(number.isdecimal() and type(count) is int for number, count in waiting.items()):
        raise _Bad("waiting is no count of versions")
    return Capability(
        reads=found.numbers("reads"),
        served=found.numbers("served"),
        writes=found.numbers("writes"),
        active=found.number("active", 0),
        epoch=found.number("epoch", 0),
        prepared=found.truth("prepared"),
        waiting=MappingProxyType({int(number): count for number, count in waiting.items()}),
        waiting_age=found.seconds("waiting_age", 0.0),
        outbox=found.text("outbox", ""),
        converted=tuple(
            Converted(each.number("writer"), each.number("reader"), each.number("count"), each.time("last_at"))
            for each in found.objects("converted")
        ),
        trouble=found.text("trouble", ""),
    )


def _time_text(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""


def _dump(found: Mapping[str, object]) -> str:
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"
