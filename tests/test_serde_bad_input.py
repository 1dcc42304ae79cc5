"""What a service publishes by mistake, through the stubs of `contracts gen`: told with its place, and never sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any, Final

import pytest

from registry import serde
from registry.serde import CodecError, EncodeError, EnvelopeError, InMemory, MissingCorrelation
from tests.serde_bad_contracts import Party, import_stubs

Make = Callable[[Party], object]
Parties = dict[str, dict[str, Party]]

NAIVE: Final = datetime(2026, 1, 2)
LATE: Final = datetime.max.replace(tzinfo=timezone(timedelta(hours=-23)))
"""After the year 9999 in UTC, which no reader in Python could hold."""


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    with import_stubs(tmp_path_factory.mktemp("shops")) as made:
        yield made


@pytest.fixture(params=["avro", "protobuf"])
def party(parties: Parties, request: pytest.FixtureRequest) -> Party:
    """The owner's stubs."""
    return parties["shop"][request.param]


class Lazy(Mapping[str, int]):
    """Looks its values up elsewhere, and there is no connection."""

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(["EUR"])

    def __getitem__(self, key: str) -> int:
        raise RuntimeError("no connection")


class Broken(Sequence[str]):
    """Fails half way through."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> Any:
        raise KeyError("row 1")


class Secretive:
    """Cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("private")


class Text(str):
    """Text of a class of the user's own, that looks like something else when printed."""

    __slots__ = ()

    def __str__(self) -> str:
        return "something else"


def nest(party: Party, levels: int) -> Any:
    line = party.stubs.Line(sku="s")
    for _ in range(levels):
        line = party.stubs.Line(sku="s", within=line)
    return line


def circle(party: Party) -> object:
    line = party.stubs.Line(sku="s")
    line.within = line
    return (line,)


WRONG: Final[dict[str, tuple[str, str, object | Make]]] = {
    "text for a number": ("count", "/count", "1"),
    "true for a number": ("count", "/count", True),
    "a float for a number": ("total", "/total", 1.0),
    "nothing for a number": ("count", "/count", None),
    "a number of 33 bits": ("count", "/count", 2**31),
    "a number of 65 bits": ("total", "/total", -(2**63) - 1),
    "a number of 5000 digits": ("total", "/total", 10**5000),
    "a float of 64 bits for 32": ("weight", "/weight", 1e39),
    "an enormous number for a float": ("weight", "/weight", 10**400),
    "a number that a float would round": ("ratio", "/ratio", 2**53 + 1),
    "a decimal for a float": ("ratio", "/ratio", Decimal("0.5")),
    "1 for true": ("gift", "/gift", 1),
    "text for bytes": ("raw", "/raw", "raw"),
    "numbers for bytes": ("raw", "/raw", [1, 2]),
    "the name of a symbol": ("state", "/state", "OPEN"),
    "true for a symbol": ("state", "/state", True),
    "text for a list": ("tags", "/tags", "gift"),
    "a set for a list": ("tags", "/tags", {"gift"}),
    "an iterator for a list": ("tags", "/tags", iter(["gift"])),
    "a number in a list": ("tags", "/tags[1]", ["gift", 7]),
    "half a surrogate pair": ("tags", "/tags[0]", ["\ud800"]),
    "a thing that cannot be shown": ("tags", "/tags[0]", [Secretive()]),
    "a list that fails": ("tags", "/tags", Broken()),
    "pairs for a map": ("prices", "/prices", [("EUR", 1)]),
    "a number as key": ("prices", "/prices", {1: 2}),
    "text in a map": ("prices", '/prices{"EUR"}', {"USD": 1, "EUR": "1"}),
    "a key with quotes and line breaks": ("prices", '/prices{"a\\"\\n"}', {'a"\n': None}),
    "a map that fails": ("prices", "/prices", Lazy()),
    "a dict for a record": ("lines", "/lines[0]", [{"sku": "s"}]),
    "nothing in a list": ("lines", "/lines[0]", [None]),
    "a wrong value in a part": ("lines", "/lines[0]/sku", lambda party: [party.stubs.Line(sku=7)]),
    "a wrong value deep down": (
        "lines",
        "/lines[1]/within/within/delta",
        lambda party: [party.stubs.Line(sku="s"), set_delta(nest(party, 2), 2**31)],
    ),
    "a part that holds itself": ("lines", "/lines[0]/within/within", circle),
    "parts without end": ("lines", "/lines[0]/within/within", lambda party: [nest(party, 5000)]),
    "a naive time": ("placed_at", "/placed_at", NAIVE),
    "a time without a zone's offset": ("placed_at", "/placed_at", NAIVE.replace(tzinfo=type("Odd", (tzinfo,), {
        "utcoffset": lambda *_: None})())),
    "a date for a time": ("placed_at", "/placed_at", date(2026, 1, 2)),
    "text for a time": ("placed_at", "/placed_at", "2026-01-02T00:00:00Z"),
}  # fmt: skip
"""What is wrong: the field, the place that the error tells, and the value or how it is made."""
ONLY: Final[dict[str, dict[str, tuple[str, str, object | Make]]]] = {
    "avro": {
        "a datetime for a time of day": ("hour", "/hour", NAIVE),
        "a local time with a zone": ("local", "/local", NAIVE.replace(tzinfo=UTC)),
        "a local time of a microsecond": ("local", "/local", datetime(2026, 1, 2, 0, 0, 0, 1)),
        "a datetime for a date": ("day", "/day", NAIVE),
        "text for a uuid": ("token", "/token", "6f1c0f0e-53d4-4b8e-9f56-0d5a5d7c9a01"),
        "a decimal with too many digits": ("price", "/price", Decimal("10000.00")),
        "a decimal with too small a part": ("price", "/price", Decimal("0.001")),
        "a decimal that is no number": ("price", "/price", Decimal("NaN")),
        "a decimal without end": ("price", "/price", Decimal("Infinity")),
        "a decimal of a million digits": ("price", "/price", Decimal("1E+999999")),
        "a float for a decimal": ("price", "/price", 1.5),
        "fixed bytes that are short": ("hash", "/hash", b"abc"),
        "fixed bytes that are long": ("hash", "/hash", b"abcde"),
        "a timedelta for a duration": ("took", "/took", timedelta(1)),
        "a duration below zero": ("took", "/took", serde.Duration(-1, 0, 0)),
        "a record that no branch is for": ("by", "/by", lambda party: party.stubs.Line(sku="s")),
        "a dict that looks like a branch": ("by", "/by", {"number": "1"}),
        "a number that is no symbol": ("state", "/state", 1),
    },
    "protobuf": {
        "a number below zero": ("sign", "/sign", -1),
        "a symbol of 33 bits": ("state", "/state", 2**31),
        "a duration of a lifetime of stars": ("took", "/took", timedelta.max),
        "a time beyond the last": ("placed_at", "/placed_at", LATE),
        "a part of another kind": ("card", "/card", lambda party: party.stubs.Cash(number="1")),
    },
}
"""What only one language has."""


def set_delta(line: Any, delta: int) -> Any:
    line.within.within.delta = delta
    return line


def refuse(party: Party, event: object, kind: type[CodecError] = EncodeError, **envelope: Any) -> CodecError:
    """The error of publishing: nothing was sent, and the next event is."""
    transport = InMemory()
    producer = party.produce(transport)
    with pytest.raises(CodecError) as caught:
        producer.publish(event, **{"correlation_id": "c-1", **envelope})
    assert type(caught.value) is kind
    assert caught.value.fact
    assert caught.value.fact in str(caught.value)
    assert len(caught.value.fact) < 300
    assert transport.records("shop.orders") == ()
    with pytest.raises(CodecError):
        producer.encode(event, **{"correlation_id": "c-1", **envelope})
    producer.publish(party.make(), correlation_id="c-1")
    assert len(transport.records("shop.orders")) == 1
    return caught.value


def check_wrong(party: Party, field: str, path: str, value: object) -> None:
    made = value(party) if callable(value) else value
    error = refuse(party, party.make(**{field: made}))
    assert error.subject == f"{party.event} v2"
    assert error.path.startswith(path)
    assert error.path == path or path.endswith("/within/within")
    assert str(error) == f"{party.event} v2: {error.fact} at {error.path}"


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_the_schema_does_not_allow_is_told_with_its_place(party: Party, what: str) -> None:
    check_wrong(party, *WRONG[what])


@pytest.mark.parametrize(("language", "what"), [(language, what) for language in ONLY for what in ONLY[language]])
def test_so_is_what_only_one_language_has(parties: Parties, language: str, what: str) -> None:
    check_wrong(parties["shop"][language], *ONLY[language][what])


@pytest.mark.parametrize("what", ["a number of 33 bits", "a number in a list", "a naive time"])
def test_the_older_version_is_checked_as_closely(party: Party, what: str) -> None:
    field, path, value = WRONG[what]
    error = refuse(party, party.make(1, **{field: value}))
    assert (error.subject, error.path) == (f"{party.event} v1", path)


def test_two_members_of_one_oneof_are_refused(parties: Parties) -> None:
    party = parties["shop"]["protobuf"]
    both = party.make(card=party.stubs.Card(number="1"), cash=party.stubs.Cash(number="1"))
    error = refuse(party, both)
    assert error.subject == "shop.Paid v2"
    assert error.fact == "of the oneof 'by' both 'card' and 'cash' are set"


def test_a_value_is_left_as_it_was_whether_taken_or_refused(party: Party) -> None:
    tags, prices = ["a", "b"], {"EUR": 1}
    event = party.make(tags=tags, prices=prices)
    party.produce(InMemory()).publish(event, correlation_id="c-1")
    refuse(party, party.make(tags=tags, prices=prices, count="1"))
    assert (event, tags, prices) == (party.make(tags=["a", "b"], prices={"EUR": 1}), ["a", "b"], {"EUR": 1})
    assert event.tags is tags


def test_an_attribute_that_is_not_there_is_told(party: Party) -> None:
    event = party.make()
    del event.count
    assert refuse(party, event).path == "/count"
    assert refuse(party, object.__new__(type(event))).path == "/order_id"


def test_what_is_no_event_of_the_contract_is_refused(party: Party, parties: Parties) -> None:
    other = parties["shop"]["protobuf" if party.language == "avro" else "avro"]
    known = f"{party.name}V1, {party.name}"
    for odd in (None, {"order_id": "o-1"}, "o-1", party.stubs.Line(sku="s"), other.make(), type(party.make())):
        error = refuse(party, odd)
        assert error.subject == party.event
        assert error.fact == f"a {type(odd).__name__} is none of {known}"


def test_a_class_of_the_same_name_in_other_stubs_is_another_class(party: Party, parties: Parties) -> None:
    foreign = parties["billing"][party.language].make()
    error = refuse(party, foreign)
    module = party.stubs.__name__.rpartition(".")[2]
    assert error.fact == (
        f"a {party.name} is none of {party.name}V1, {party.name}: it is another class of that name, "
        f"of stubs_of_billing.{module}"
    )
    assert f"the class of stubs_of_shop.{module}" in error.help


def test_a_subclass_is_written_as_the_class_that_it_is_one_of(party: Party) -> None:
    for version in (1, 2):
        event = party.fill(version)
        own = type("Own", (type(event),), {"__slots__": ("mine",)})
        copy: Any = object.__new__(own)
        for name in type(event).__slots__:
            setattr(copy, name, getattr(event, name))
        producer = party.produce(InMemory(), active=version)
        read = serde.Serde(party.bundle).decode(producer.encode(copy, correlation_id="c-1").value or b"", (), version)[
            0
        ]
        assert read == event
    assert type(party.make(1).upgrade()) is type(party.make())
    old = type("Old", (type(party.make(1)),), {"__slots__": ()})
    assert old(order_id="o-1").upgrade() == party.make()


@pytest.mark.parametrize(
    ("role", "given", "fact"),
    [
        ("correlation_id", "", "correlation_id is a text that is not empty, not ''"),
        ("correlation_id", 7, "correlation_id is a text that is not empty, not 7"),
        ("event_id", b"7", "event_id is a text that is not empty, not b'7'"),
        ("causation_id", "", "causation_id is a text that is not empty, not ''"),
        ("occurred_at", NAIVE, "occurred_at is a datetime with a zone, not 2026-01-02 00:00:00"),
        ("occurred_at", 1767312000, "occurred_at is a datetime with a zone, not 1767312000"),
        ("occurred_at", LATE, f"occurred_at is, in UTC, not within the years 1 to 9999: {LATE}"),
    ],
)
def test_an_envelope_that_is_none_is_refused(party: Party, role: str, given: object, fact: str) -> None:
    error = refuse(party, party.make(), EnvelopeError, **{role: given})
    assert (error.subject, error.path, error.fact) == (party.event, f"/{role}", fact)


def test_a_zone_that_fails_is_told_and_no_traceback(party: Party) -> None:
    def fail(*_: object) -> timedelta:
        raise LookupError("no zone data")

    moment = NAIVE.replace(tzinfo=type("Zone", (tzinfo,), {"utcoffset": fail})())
    error = refuse(party, party.make(), EnvelopeError, occurred_at=moment)
    assert error.fact == "occurred_at cannot be read: LookupError('no zone data')"


def test_without_a_correlation_id_nothing_is_sent(party: Party) -> None:
    error = refuse(party, party.make(), MissingCorrelation, correlation_id=None)
    assert error.subject == party.event
    assert error.fact == "no correlation id: none was given, and no record is being handled"
    with pytest.raises(MissingCorrelation) as caught:
        serde.Serde(party.bundle).encode(party.make(), serde.Meta())
    assert caught.value.subject == f"{party.event} v1"


@pytest.mark.parametrize("key", [None, 7, b"o-1", True])
def test_a_key_of_another_type_is_refused(party: Party, key: object) -> None:
    assert refuse(party, party.make(order_id=key)).path == "/order_id"


def test_a_key_is_spelled_as_the_payload_spells_it(party: Party) -> None:
    record = party.produce(InMemory()).encode(party.make(order_id=Text("o-1")), correlation_id="c-1")
    assert record.key == b"o-1"
    assert record == party.produce(InMemory()).encode(
        party.make(),
        correlation_id="c-1",
        event_id=read_header(record, "ce_id"),
        occurred_at=datetime.fromisoformat(read_header(record, "ce_time")),
    )


def read_header(record: serde.Record, name: str) -> str:
    return (dict(record.headers)[name] or b"").decode()


@pytest.mark.parametrize("number", [0, 3, "2", 2.0, True, None])
def test_a_version_that_is_none_does_not_become_active(party: Party, number: Any) -> None:
    producer = party.produce(InMemory(), active=1)
    with pytest.raises(serde.SerdeError) as caught:
        producer.activate(number)
    assert repr(number) in str(caught.value)
    assert producer.active == 1


def test_an_event_that_fails_once_when_it_is_read_is_an_error_too(parties: Parties) -> None:
    """As one does that another thread changes while it is written."""
    party = parties["shop"]["protobuf"]
    asked: list[object] = []

    def count(_event: object) -> int:
        asked.append(1)
        if len(asked) % 2:
            raise RuntimeError("dictionary changed size during iteration")
        return 1

    event: Any = object.__new__(type("Busy", (type(party.make()),), {"__slots__": (), "count": property(count)}))
    for name in type(party.make()).__slots__:
        if name != "count":
            setattr(event, name, getattr(party.make(), name))
    error = refuse(party, event)
    assert (error.subject, error.path) == ("shop.Paid v2", "")
    assert error.fact == "the event cannot be read: RuntimeError('dictionary changed size during iteration')"
