"""One serializer serves all live versions: any comes in as the one asked for, the active one goes out."""

import pytest
import serde_orders as orders
from serde_orders import BUNDLE, OrderPlaced, OrderPlacedV1, OrderPlacedV2, State, StateV1, StateV2

from registry import serde
from registry.serde.framing import Framing

ORDER = OrderPlaced(order_id="o-1", state=State.DONE, note="gift", labels={"a": "b"})
ORDER_V2 = OrderPlacedV2(order_id="o-1", state=StateV2.DONE, note="gift")
ORDER_V1 = OrderPlacedV1(order_id="o-1", state=StateV1.DONE)


def encode(event: object, active: int = 3) -> bytes:
    return serde.Serde(BUNDLE, active=active).encode(event, orders.meta())[0]


def test_a_build_that_can_write_a_newer_version_goes_on_writing_the_oldest_until_it_is_told_otherwise() -> None:
    runtime = serde.Serde(BUNDLE)
    assert runtime.active == 1
    meta = orders.meta()
    assert runtime.decode(runtime.encode(ORDER_V2, meta)[0], read_as=1)[0] == ORDER_V1
    assert meta.version == 1
    runtime.activate(3)
    runtime.encode(ORDER_V2, meta)
    assert meta.version == 3


def test_an_event_comes_back_as_it_went_with_its_envelope() -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    value, headers = runtime.encode(ORDER, orders.meta(causation_id="event-0"))
    assert value[:5] == bytes.fromhex("00 00 00 00 67")
    assert headers == ()
    event, meta = runtime.decode(value)
    assert event == ORDER
    assert (meta.contract, meta.version, meta.schema_version) == ("shop.OrderPlaced", 3, 3)
    assert (meta.correlation_id, meta.event_id, meta.causation_id) == ("request-1", "event-1", "event-0")
    assert meta.occurred_at == orders.meta().occurred_at


@pytest.mark.parametrize("framing", ["confluent", "confluent-header", "single-object"])
def test_every_framing_is_read_by_every_serializer(framing: Framing) -> None:
    value, headers = serde.Serde(BUNDLE, framing=framing, active=3).encode(ORDER, orders.meta())
    others: tuple[Framing, ...] = ("confluent", "confluent-header", "single-object")
    for other in others:
        reader = serde.Serde(BUNDLE, framing=other)
        for _ in range(3):
            assert reader.decode(value, headers)[0] == ORDER
            assert reader.decode(value, [*headers, ("x", b"y")])[0] == ORDER


@pytest.mark.parametrize(
    ("written", "active", "read"),
    [
        (ORDER_V1, 1, OrderPlaced(order_id="o-1", state=State.DONE)),
        (ORDER_V2, 2, OrderPlaced(order_id="o-1", state=State.DONE, note="gift")),
        (ORDER, 3, ORDER),
        (ORDER, 3, ORDER_V2),
        (ORDER, 3, ORDER_V1),
        (ORDER_V1, 1, OrderPlacedV2(order_id="o-1", state=StateV2.DONE)),
    ],
)
def test_each_version_is_read_as_the_one_asked_for(written: object, active: int, read: object) -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    value = encode(written, active)
    for read_as in (type(read), 3 if isinstance(read, OrderPlaced) else 2 if isinstance(read, OrderPlacedV2) else 1):
        event, meta = runtime.decode(value, read_as=read_as)
        assert event == read
        assert (meta.version, meta.schema_version, meta.correlation_id) == (active, active, "request-1")


def test_threads_share_a_serializer_from_its_first_event_on() -> None:
    for _ in range(5):
        runtime = serde.Serde(BUNDLE, active=3)
        value = encode(ORDER_V1, 1)

        def work(number: int, runtime: serde.Serde = runtime, value: bytes = value) -> tuple[object, bytes]:
            event = runtime.decode(value, read_as=number % 3 + 1)[0]
            return event.order_id, runtime.encode(ORDER, orders.meta())[0]

        with serde.ContextExecutor(8) as pool:
            assert set(pool.map(work, range(40))) == {("o-1", encode(ORDER))}


def test_defaults_are_made_for_each_record() -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    one, other = (runtime.decode(encode(ORDER_V1, 1))[0] for _ in range(2))
    one.labels["mine"] = "only"
    assert other.labels == {}


@pytest.mark.parametrize(
    ("event", "active", "written"),
    [
        (ORDER, 2, ORDER_V2),
        (ORDER, 1, ORDER_V1),
        (ORDER_V1, 1, ORDER_V1),
        (ORDER_V1, 3, OrderPlaced(order_id="o-1", state=State.DONE)),
    ],
)
def test_what_is_published_becomes_the_active_version(event: object, active: int, written: object) -> None:
    meta = orders.meta()
    value, _ = serde.Serde(BUNDLE, active=active).encode(event, meta)
    assert value[4] == 100 + active
    assert meta.schema_version == meta.version == active
    decoded, read = serde.Serde(BUNDLE, active=3).decode(value, read_as=type(written))
    assert decoded == written
    assert read.schema_version == active


def test_what_the_active_version_cannot_say_is_not_made_up() -> None:
    held = OrderPlaced(order_id="o-1", state=State.HELD)
    with pytest.raises(serde.Unrepresentable) as caught:
        encode(held, 1)
    assert str(caught.value).startswith("shop.OrderPlaced v1: v1 cannot express it: ")
    assert caught.value.path == "/state"
    assert "HELD" in caught.value.fact
    assert serde.Serde(BUNDLE, active=3).decode(encode(held, 2))[0].state is State.HELD


def test_a_reader_takes_the_default_for_a_symbol_it_does_not_know() -> None:
    value = encode(OrderPlaced(order_id="o-1", state=State.HELD))
    assert serde.Serde(BUNDLE, active=3).decode(value, read_as=1)[0].state is StateV1.OPEN


def test_another_version_can_be_made_active_while_it_runs() -> None:
    runtime = serde.Serde(BUNDLE, active=1)
    assert [runtime.encode(ORDER_V1, orders.meta())[0][4] for _ in range(2)] == [101, 101]
    runtime.activate(2)
    assert runtime.active == 2
    assert [runtime.encode(ORDER_V1, orders.meta())[0][4] for _ in range(2)] == [102, 102]


def test_a_version_that_the_build_cannot_write_is_refused() -> None:
    bundle = orders.bundle(orders.version(1), orders.version(2), writes=(2,))
    with pytest.raises(serde.SerdeError) as caught:
        serde.Serde(bundle, active=1)
    assert str(caught.value) == "shop.OrderPlaced v1 cannot be written by this build (writes: [2])"


def test_who_does_not_write_is_told_who_does() -> None:
    runtime = serde.Serde(orders.bundle(orders.version(1), service="mailer"))
    with pytest.raises(serde.SerdeError) as caught:
        runtime.encode(ORDER_V1, orders.meta())
    assert str(caught.value) == "mailer does not write shop.OrderPlaced: it is written only by shop-api"
    assert caught.value.help == "ask team shop, #team-shop"


def test_what_is_no_event_of_the_contract_is_refused() -> None:
    with pytest.raises(serde.EncodeError) as caught:
        encode({"order_id": "o-1"})
    assert str(caught.value) == "shop.OrderPlaced: a dict is none of OrderPlacedV1, OrderPlacedV2, OrderPlaced"


def test_errors_name_the_event_its_version_and_the_place() -> None:
    with pytest.raises(serde.EncodeError) as caught:
        encode(OrderPlaced(order_id=7, state=State.OPEN))  # type: ignore[arg-type]  # that is the point
    assert caught.value.subject == "shop.OrderPlaced v3"
    assert caught.value.path == "/order_id"
    with pytest.raises(serde.DecodeError) as cut:
        serde.Serde(BUNDLE, active=3).decode(encode(ORDER)[:-1])
    assert cut.value.subject == "shop.OrderPlaced v3"


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        (b"", "the value is empty: it has no frame"),
        (b"\x00\x00\x00", "the value ends inside its frame: 00 00 00 has 3 of 5 bytes"),
        (b"{}", "the value has no frame: it begins with 7B, not with 00 (id), 01 (GUID) or C3 01"),
        (bytes.fromhex("00 0000 00FF"), "schema id 255 is none of v1, v2, v3"),
        (bytes.fromhex("C301 0000000000000000"), "schema fingerprint 0000000000000000 is none of v1, v2, v3"),
        (
            bytes.fromhex("01 00000000000000000000000000000000"),
            "schema GUID 00000000-0000-0000-0000-000000000000 is none of v1, v2, v3",
        ),
        (None, "a record without a value is a tombstone: it has no version"),
        ("text", "the value is no bytes"),
    ],
)
def test_a_frame_that_leads_nowhere_says_so(value: bytes, fact: str) -> None:
    runtime = serde.Serde(BUNDLE, active=3)
    for _ in range(2):
        with pytest.raises(serde.DecodeError) as caught:
            runtime.decode(value)
        assert caught.value.fact == fact
        assert caught.value.subject == "shop.OrderPlaced"
        assert runtime.decode(encode(ORDER))[0] == ORDER


def test_a_version_that_the_service_does_not_read_is_named() -> None:
    bundle = orders.bundle(orders.version(2), orders.version(3), service="mailer", others={101: 1})
    with pytest.raises(serde.UnknownSchema) as caught:
        serde.Serde(bundle).decode(encode(ORDER_V1, 1))
    assert caught.value.fact == "schema id 101 is version 1, which mailer does not read (reads: [2, 3])"
    assert caught.value.help == "add 1 to `reads` of mailer in ownership.yaml, and run `contracts gen`"


def test_a_version_that_is_only_written_or_in_between_is_not_read() -> None:
    bundle = orders.bundle(orders.version(1), orders.version(2), orders.version(3), reads=(1, 3))
    with pytest.raises(serde.UnknownSchema, match=r"is version 2, which shop-api does not read \(reads: \[1, 3\]\)"):
        serde.Serde(bundle).decode(encode(ORDER_V2, 2))


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\x02", [("__value_schema_id", b"\x00\x00\x00\x00\x01")]),
        (b"\x02", [("__value_schema_id", b"\x01" + bytes(16))]),
        (b"\x00\x00\x00\x00\x01\x02", []),
    ],
)
def test_a_body_of_one_byte_is_read(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    text = '{"type": "record", "name": "OrderPlaced", "namespace": "shop", "fields": [{"name": "n", "type": "int"}]}'
    guid = "00000000-0000-0000-0000-000000000000"
    version = serde.BundledVersion(number=1, schema_id=1, guid=guid, root="a.avsc", files={"a.avsc": text})
    assert serde.Serde(orders.bundle(version)).decode(value, headers)[0] == {"n": 1}


def test_a_header_named_twice_and_differently_is_refused_also_after_the_first_record() -> None:
    runtime = serde.Serde(BUNDLE, framing="confluent-header", active=3)
    value, headers = runtime.encode(ORDER, orders.meta())
    assert runtime.decode(value, headers)[0] == ORDER
    with pytest.raises(serde.DecodeError, match="is there twice and differs"):
        runtime.decode(value, [*headers, ("__value_schema_id", b"\x00\x00\x00\x00\x65")])


def test_what_cannot_be_read_as_is_told_what_can() -> None:
    for read_as, asked in ((7, "v7"), (str, "str")):
        with pytest.raises(serde.SerdeError) as caught:
            serde.Serde(BUNDLE, active=3).decode(encode(ORDER), read_as=read_as)
        assert str(caught.value) == (
            f"shop.OrderPlaced cannot be read as {asked}: it is none of OrderPlacedV1, OrderPlacedV2, OrderPlaced"
        )


def test_single_object_is_refused_where_two_versions_have_one_fingerprint() -> None:
    other_default = orders.TEXTS[3].replace('"default": "OPEN"', '"default": "DONE"')
    bundle = orders.bundle(orders.version(3), orders.version(4, text=other_default, plain=True), writes=(3,))
    with pytest.raises(serde.SerdeError) as caught:
        serde.Serde(bundle, framing="single-object")
    assert str(caught.value).startswith("v3 and v4 of shop.OrderPlaced have one fingerprint")
    single = serde.Serde(BUNDLE, framing="single-object", active=3).encode(ORDER, orders.meta())[0]
    with pytest.raises(serde.UnknownSchema, match="is that of v3 and v4, which differ in what it leaves out"):
        serde.Serde(bundle).decode(single)


def test_a_framing_that_is_none_is_refused() -> None:
    with pytest.raises(serde.SerdeError, match="no framing 'json'"):
        serde.Serde(BUNDLE, framing="json")  # type: ignore[arg-type]  # that is the point


def test_a_bundle_without_classes_takes_and_gives_dictionaries() -> None:
    plain = orders.bundle(orders.version(1, plain=True), orders.version(2, plain=True), writes=(1, 2))
    runtime = serde.Serde(plain)
    value = encode(ORDER_V1, 1)
    assert runtime.decode(value)[0]["note"] == ""
    assert runtime.decode(value, read_as=1)[0]["order_id"] == "o-1"


def test_an_upgraded_event_is_the_newer_one() -> None:
    assert ORDER_V1.upgrade() == OrderPlaced(order_id="o-1", state=State.DONE)
    assert serde.upgrade(BUNDLE, ORDER_V2, OrderPlaced) == OrderPlaced(order_id="o-1", state=State.DONE, note="gift")
    with pytest.raises(serde.SerdeError, match=r"str is no version of shop\.OrderPlaced"):
        serde.upgrade(BUNDLE, ORDER_V1, str)
    with pytest.raises(serde.EncodeError) as caught:
        OrderPlacedV1(order_id=None, state=StateV1.OPEN).upgrade()  # type: ignore[arg-type]  # that is the point
    assert caught.value.subject == "shop.OrderPlaced v1"
