"""Schemas that the stubs do not carry: found in a folder, or asked of a registry, once; or not found, and said so."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import serde_orders as orders
from serde_orders import BUNDLE, OrderPlaced, OrderPlacedV2, State, StateV2

from registry import frozen, serde
from registry.serde.versions import Versions

NEWER = OrderPlaced(order_id="o-1", state=State.DONE, note="gift", labels={"a": "b"})
OLD = orders.bundle(orders.version(1), orders.version(2), service="mailer")
"""A build that does not know version 3."""
READ = OrderPlacedV2(order_id="o-1", state=StateV2.DONE, note="gift")


def written(framing: str = "confluent") -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    return serde.Serde(BUNDLE, framing=framing, active=3).encode(NEWER, orders.meta())  # type: ignore[arg-type]  # one of three


class Asked:
    """A fallback that counts."""

    def __init__(self, *found: serde.BundledVersion) -> None:
        self.found = found
        self.asked: list[int | str] = []

    def find(self, event: str, writer: int | str) -> serde.BundledVersion | None:
        assert event == "shop.OrderPlaced"
        self.asked.append(writer)
        return next((each for each in self.found if writer in (each.schema_id, each.guid)), None)

    def find_number(self, event: str, number: int) -> serde.BundledVersion | None:
        return next((each for each in self.found if number == each.number), None)


def test_an_old_build_reads_a_newer_version_that_a_fallback_knows() -> None:
    for framing, asked in (("confluent", 103), ("confluent-header", "00000000-0000-0000-0000-000000000003")):
        fallback = Asked(orders.version(3, plain=True))
        runtime = serde.Serde(OLD, fallback=fallback)
        for _ in range(3):
            event, meta = runtime.decode(*written(framing))
            assert (event, meta.version, meta.schema_version) == (READ, 3, 3)
            assert (meta.correlation_id, meta.event_id) == ("request-1", "event-1")
        assert runtime.decode(*written(framing), read_as=1)[0].order_id == "o-1"
        assert fallback.asked == [asked]


def test_what_a_fallback_does_not_have_is_not_asked_again_at_once() -> None:
    fallback = Asked()
    runtime = serde.Serde(OLD, fallback=fallback)
    for _ in range(3):
        with pytest.raises(serde.UnknownSchema) as caught:
            runtime.decode(written()[0])
        assert caught.value.fact == "schema id 103 is none of v1, v2, and the fallback does not have it"
    assert fallback.asked == [103]


def test_after_a_while_it_is_asked_again() -> None:
    fallback = Asked()
    versions = Versions(OLD, fallback, retry_after=0)
    writer = serde.Serde(BUNDLE)._parse_frame(written()[0], ()).writer
    for _ in range(2):
        with pytest.raises(serde.UnknownSchema):
            versions.find(writer)
    fallback.found = (orders.version(3, plain=True),)
    assert versions.find(writer).number == 3
    assert fallback.asked == [103, 103, 103]


def test_a_flood_of_strangers_is_forgotten() -> None:
    fallback = Asked()
    runtime = serde.Serde(OLD, fallback=fallback)
    for number in range(1, 1200):
        with pytest.raises(serde.UnknownSchema):
            runtime.decode(b"\x00" + number.to_bytes(4, "little"))
    assert len(runtime.versions._missed) <= 1000


def test_a_fallback_does_not_lift_what_the_service_does_not_read() -> None:
    bundle = orders.bundle(orders.version(2), service="mailer", others={103: 3})
    for framing in ("confluent", "confluent-header"):
        fallback = Asked(orders.version(3, plain=True))
        with pytest.raises(serde.UnknownSchema, match="is version 3, which mailer does not read"):
            serde.Serde(bundle, fallback=fallback).decode(*written(framing))


def test_a_fallback_that_gives_nonsense_is_told() -> None:
    nonsense = orders.version(3, plain=True, text="{}")
    with pytest.raises(serde.UnknownSchema, match="schema id 103 stands for a schema that is none"):
        serde.Serde(OLD, fallback=Asked(nonsense)).decode(written()[0])


def lay_down(folder: Path, number: int = 3, **facts: object) -> Path:
    """A version as `contracts release` lays it down."""
    place = folder / "shop.OrderPlaced" / str(number)
    place.joinpath("shop").mkdir(parents=True)
    held = {
        "event": "shop.OrderPlaced",
        "version": number,
        "format": "avro",
        "root": "shop/OrderPlaced.avsc",
        "schema_id": 100 + number,
        "guid": f'"00000000-0000-0000-0000-{number:012}"',
        "fingerprint": "sha256:00",
    }
    lines = [f"{name}: {value}\n" for name, value in (held | facts).items()]
    text = "".join(["# A comment.\n", *lines, "files:\n", '  - "shop/OrderPlaced.avsc"\n'])
    place.joinpath("version.yaml").write_text(text)
    place.joinpath("shop/OrderPlaced.avsc").write_text(orders.TEXTS[number])
    return place


@pytest.mark.parametrize("framing", ["confluent", "confluent-header"])
def test_a_folder_of_versions_is_read(tmp_path: Path, framing: str) -> None:
    runtime = serde.Serde(OLD, fallback=serde.Folder(tmp_path))
    with pytest.raises(serde.UnknownSchema):
        runtime.decode(*written(framing))
    lay_down(tmp_path, 1)
    lay_down(tmp_path, 3)
    (tmp_path / "shop.OrderPlaced" / "notes").mkdir()
    event, meta = serde.Serde(OLD, fallback=serde.Folder(str(tmp_path))).decode(*written(framing))
    assert (event, meta.version) == (READ, 3)


def test_the_versions_of_this_project_are_read() -> None:
    folder = serde.Folder(Path(__file__).parents[1] / "contracts" / "versions")
    found = folder.find("playconnect.content.ContentUnpublished", 2030615966)
    assert found is not None
    assert (found.number, found.root) == (1, "content/ContentUnpublished.avsc")
    assert list(found.files) == ["common/Author.avsc", "content/ContentUnpublished.avsc"]
    assert folder.find("playconnect.content.ContentUnpublished", found.guid) == found
    assert folder.find("playconnect.content.ContentUnpublished", 1) is None
    assert folder.find("../versions", 1) is None
    with pytest.raises(serde.UnknownSchema, match="v1 is in protobuf, which cannot be read from a folder"):
        folder.find("playconnect.commerce.CartItemAdded", 400414773)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda place: place.joinpath("shop/OrderPlaced.avsc").unlink(), "OrderPlaced.avsc: cannot be read"),
        (lambda place: place.joinpath("version.yaml").write_text("event: x\n"), "version.yaml: has no version and no"),
        (lambda place: place.joinpath("version.yaml").write_text("- a\n"), "version.yaml:1: is not a line"),
        (lambda place: place.joinpath("version.yaml").write_bytes(b"\xff"), "version.yaml: cannot be read"),
        (lambda place: edit(place, "version: 3", "version: 4"), "says it is v4 of shop.OrderPlaced"),
        (lambda place: edit(place, "schema_id: 103", "schema_id: x"), "schema_id is 'x', not a number from 1 to"),
        (lambda place: edit(place, "schema_id: 103", "schema_id: 2147483648"), "schema_id is '2147483648', not"),
        (lambda place: edit(place, '"shop/Order', '"../../shop/Order'), "which lies outside"),
    ],
)
def test_a_version_that_does_not_hold_together_is_told(
    tmp_path: Path, change: Callable[[Path], object], message: str
) -> None:
    change(lay_down(tmp_path))
    with pytest.raises(serde.SerdeError) as caught:
        serde.Folder(tmp_path).find("shop.OrderPlaced", "00000000-0000-0000-0000-000000000003")
    assert message in str(caught.value)


def test_a_version_on_the_way_that_nobody_knows_is_not_passed_over(tmp_path: Path) -> None:
    lay_down(tmp_path, 3)
    build = orders.bundle(orders.version(1), service="mailer")
    for fallback in (Asked(orders.version(3, plain=True)), serde.Folder(tmp_path)):
        with pytest.raises(serde.UnknownSchema, match="v2 is on the way, and nobody here knows whether it declares"):
            serde.Serde(build, fallback=fallback).decode(written()[0])
    lay_down(tmp_path, 2)
    assert serde.Serde(build, fallback=serde.Folder(tmp_path)).decode(written()[0])[0].order_id == "o-1"


def edit(place: Path, before: str, after: str) -> None:
    path = place / "version.yaml"
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(serde.SerdeError, match="nowhere: no such folder of versions"):
        serde.Folder(tmp_path / "nowhere")


def test_a_folder_that_was_taken_away_is_an_unknown_schema_until_it_is_back(tmp_path: Path) -> None:
    runtime = serde.Serde(OLD, fallback=serde.Folder(lay_down(tmp_path / "versions").parents[1]))
    (tmp_path / "versions").rename(tmp_path / "elsewhere")
    with pytest.raises(serde.UnknownSchema, match=r"schema id 103 is not found: .*versions: no such folder"):
        runtime.decode(written()[0])
    (tmp_path / "elsewhere").rename(tmp_path / "versions")
    assert runtime.decode(written()[0])[0] == READ


def test_converters_that_cannot_be_read_are_not_passed_over(tmp_path: Path) -> None:
    place = lay_down(tmp_path)
    place.joinpath("upgrade.yaml").write_text("up:\n  - rename: {a: b}\n")
    edit(place, "files:\n", 'files:\n  - "upgrade.yaml"\n')
    for _ in range(2):
        with pytest.raises(serde.UnknownSchema) as caught:
            serde.Serde(OLD, fallback=serde.Folder(tmp_path)).decode(written()[0])
        assert str(caught.value) == "shop.OrderPlaced: v3 is behind converters, which only stubs carry"
        assert caught.value.help == "run `contracts gen`"


def test_converters_of_the_oldest_version_are_not_needed(tmp_path: Path) -> None:
    place = lay_down(tmp_path, 1)
    place.joinpath("upgrade.yaml").write_text("up:\n  - rename: {a: b}\n")
    value, headers = serde.Serde(BUNDLE, active=1).encode(
        orders.OrderPlacedV1(order_id="o-1", state=orders.StateV1.DONE), orders.meta()
    )
    newer = orders.bundle(orders.version(2), service="mailer")
    assert serde.Serde(newer, fallback=serde.Folder(tmp_path)).decode(value, headers)[0].order_id == "o-1"


def test_what_a_fallback_raises_is_an_unknown_schema_with_its_reason(tmp_path: Path) -> None:
    lay_down(tmp_path).joinpath("shop/OrderPlaced.avsc").unlink()
    with pytest.raises(serde.UnknownSchema, match=r"schema id 103 is not found: .*OrderPlaced.avsc: cannot be read"):
        serde.Serde(OLD, fallback=serde.Folder(tmp_path)).decode(written()[0])


def said(number: bytes = b"3", event: bytes = b"shop.OrderPlaced") -> tuple[tuple[str, bytes], ...]:
    return (("ce_type", event), ("ce_schemaversion", number))


@pytest.mark.parametrize(
    ("headers", "fact"),
    [
        (said(), "v3 (schema id 103) is newer than these stubs (v1, v2)"),
        (said(b"2"), "schema id 103 is none of v1, v2"),
        (said(b"three"), "schema id 103 is none of v1, v2"),
        (said(event=b"shop.OrderShipped"), "schema id 103 is shop.OrderShipped's"),
        ((), "schema id 103 is none of v1, v2"),
    ],
)
def test_the_headers_say_more_of_a_schema_that_nobody_knows(headers: tuple[tuple[str, bytes], ...], fact: str) -> None:
    with pytest.raises(serde.UnknownSchema) as caught:
        serde.Serde(OLD).decode(written()[0], headers)
    assert caught.value.fact == fact


def test_a_sibling_of_the_topic_is_told_by_its_id() -> None:
    knowing = frozen.replace(OLD, siblings={103: "shop.OrderShipped"})
    with pytest.raises(serde.UnknownSchema, match=r"schema id 103 is shop\.OrderShipped's"):
        serde.Serde(knowing).decode(written()[0])


class Answers:
    """A registry that answers what it is told to, by path."""

    def __init__(self) -> None:
        self.by_path: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        self.authorization: str | None = None
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answers.asked.append(self.path)
                answers.authorization = self.headers["Authorization"]
                status, body = answers.by_path.get(self.path, (404, b'{"error_code": 40403}'))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def hold(self, path: str, schema: str, **facts: object) -> None:
        self.by_path[path] = (200, json.dumps({"schema": schema} | facts).encode())


@pytest.fixture
def answers() -> Iterator[Answers]:
    made = Answers()
    thread = Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_a_registry_is_asked_by_id_and_by_guid(answers: Answers) -> None:
    answers.hold("/schemas/ids/103", orders.TEXTS[3])
    answers.hold("/schemas/guids/00000000-0000-0000-0000-000000000003", orders.TEXTS[3], schemaType="AVRO")
    registry = serde.HttpRegistry(answers.url, headers={"Authorization": "Basic eDp5"})
    runtime = serde.Serde(OLD, fallback=registry)
    for framing in ("confluent", "confluent-header", "confluent"):
        event, meta = runtime.decode(*written(framing))
        assert (event, meta.version, meta.schema_version) == (READ, 0, 3)
    assert answers.asked == ["/schemas/ids/103", "/schemas/guids/00000000-0000-0000-0000-000000000003"]
    assert answers.authorization == "Basic eDp5"


def test_what_a_schema_refers_to_is_read_too(answers: Answers) -> None:
    label = json.dumps({"type": "record", "name": "Label", "fields": [{"name": "text", "type": "shop.Text"}]})
    text = '{"type": "record", "name": "shop.Text", "fields": [{"name": "value", "type": "string"}]}'
    order = json.dumps(
        {
            "type": "record",
            "name": "shop.OrderPlaced",
            "fields": [{"name": "order_id", "type": "string"}, {"name": "label", "type": "Label"}],
        }
    ).replace('"Label"', '"shop.Label"')
    answers.hold("/schemas/ids/9", order, references=[{"name": "shop.Label", "subject": "a/b", "version": 2}])
    answers.hold(
        "/subjects/a%2Fb/versions/2",
        label.replace('"Label"', '"shop.Label"'),
        references=[{"name": "shop.Text", "subject": "text", "version": 1}],
    )
    answers.hold("/subjects/text/versions/1", text)
    reader = orders.bundle(orders.version(1, plain=True, text=order_id_alone()))
    runtime = serde.Serde(reader, fallback=serde.HttpRegistry(answers.url))
    assert runtime.decode(bytes.fromhex("00 00000009 02 61 02 62"))[0] == {"order_id": "a"}


def order_id_alone() -> str:
    return '{"type": "record", "name": "shop.OrderPlaced", "fields": [{"name": "order_id", "type": "string"}]}'


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"{}", "answers 500 Internal Server Error"),
        (401, b"{}", "answers 401 Unauthorized"),
        (200, b"<html>", "answers something else than a schema"),
        (200, b"[" * 100_000, "answers something else than a schema"),
        (200, b"[]", "answers something else than a schema"),
        (200, b'{"schema": 7}', "answers without a schema"),
        (200, b'{"schema": "", "schemaType": "PROTOBUF"}', "schema 103 is in PROTOBUF, and only Avro is read"),
    ],
)
def test_an_answer_that_is_none_is_told_and_asked_for_again(
    answers: Answers, status: int, body: bytes, message: str
) -> None:
    answers.by_path["/schemas/ids/103"] = (status, body)
    runtime = serde.Serde(OLD, fallback=serde.HttpRegistry(answers.url))
    with pytest.raises(serde.SerdeError) as caught:
        runtime.decode(written()[0])
    assert message in str(caught.value)
    answers.hold("/schemas/ids/103", orders.TEXTS[3])
    assert runtime.decode(written()[0])[0] == READ


@pytest.mark.parametrize("schema", ["", "{}", "7", '"string"', '{"type": "record", "name": "OrderPlaced"}'])
def test_a_schema_of_something_else_is_not_this_event(answers: Answers, schema: str) -> None:
    answers.hold("/schemas/ids/103", schema)
    with pytest.raises(serde.UnknownSchema, match="and the fallback does not have it"):
        serde.Serde(OLD, fallback=serde.HttpRegistry(answers.url)).decode(written()[0])


def test_a_reference_that_leads_nowhere_is_told(answers: Answers) -> None:
    answers.hold("/schemas/ids/103", orders.TEXTS[3], references=[{"subject": "gone", "version": 1}])
    with pytest.raises(serde.SerdeError, match="has no version 1 of gone, which a schema refers to"):
        serde.Serde(OLD, fallback=serde.HttpRegistry(answers.url)).decode(written()[0])


def test_a_registry_that_is_not_there_is_told() -> None:
    registry = serde.HttpRegistry("http://127.0.0.1:1", timeout=2)
    with pytest.raises(serde.SerdeError, match=r"http://127\.0\.0\.1:1: does not answer"):
        serde.Serde(OLD, fallback=registry).decode(written()[0])
    for url in ("file:///etc/passwd", "registry:8081", ""):
        with pytest.raises(serde.SerdeError, match="is no address of a registry"):
            serde.HttpRegistry(url)
