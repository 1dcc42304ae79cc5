"""Stubs that were copied, edited, loaded twice, or made by another version of the library; and many threads at once."""

import asyncio
import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Final

import pytest

from registry import serde
from registry.serde import InMemory, NotOwner, Serde, SerdeError, UnfitStub
from registry.serde.stubs import SERVICE_VARIABLE
from tests.serde_bad_contracts import LANGUAGES, Party, import_stubs, importable

Parties = dict[str, dict[str, Party]]
TOP: Final = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parties]:
    with import_stubs(tmp_path_factory.mktemp("shops")) as made:
        yield made


@pytest.fixture(params=["avro", "protobuf"])
def party(parties: Parties, request: pytest.FixtureRequest) -> Party:
    """The owner's stubs."""
    return parties["shop"][request.param]


@pytest.fixture(autouse=True)
def _unnamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SERVICE_VARIABLE, raising=False)


def copy_of(party: Party, folder: Path, before: str = "", after: str = "") -> Path:
    """The owner's stubs, copied, and the module of the event edited."""
    assert party.stubs.__file__
    source = Path(party.stubs.__file__)
    shutil.copytree(source.parent, folder / "copied")
    text = source.read_text("utf-8")
    assert before in text
    (folder / "copied" / source.name).write_text(text.replace(before, after), "utf-8")
    return folder


def import_copy(party: Party, folder: Path) -> ModuleType:
    with importable(folder):
        return importlib.import_module(f"copied.{LANGUAGES[party.language][1]}")


def test_a_producer_that_was_copied_is_refused_when_it_is_imported(
    party: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy_of(party, tmp_path)
    monkeypatch.setenv(SERVICE_VARIABLE, "billing")
    with pytest.raises(NotOwner) as caught:
        import_copy(party, folder)
    assert str(caught.value) == f"{party.name} is written only by shop (team sales, #team-sales)"
    assert caught.value.help == (
        "this is billing (CONTRACTS_SERVICE): its own stubs come from `contracts gen --service billing`"
    )


def test_a_program_that_imports_it_ends_with_that_sentence(party: Party, tmp_path: Path) -> None:
    folder = copy_of(party, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"from copied import {party.name}Producer"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.fspath(TOP), SERVICE_VARIABLE: "billing"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    sentence, way_out = done.stderr.rstrip().splitlines()[-2:]
    assert sentence.startswith("registry.serde.errors.NotOwner: ")
    assert f"{party.name} is written only by shop (team sales, #team-sales)" in sentence
    assert way_out.startswith("help: this is billing (CONTRACTS_SERVICE): its own stubs come from `contracts gen")


def test_where_no_variable_names_the_service_the_constructor_asks(party: Party) -> None:
    producer = getattr(party.stubs, f"{party.name}Producer")
    with pytest.raises(NotOwner, match=f"{party.name} is written only by shop"):
        producer(InMemory(), service="billing")
    with pytest.raises(SerdeError, match=f"which service is it that writes {party.event}"):
        producer(InMemory())


def test_a_subscriber_has_no_producer_and_cannot_write(parties: Parties, party: Party) -> None:
    reader = parties["billing"][party.language]
    assert not hasattr(reader.stubs, f"{party.name}Producer")
    with pytest.raises(SerdeError) as caught:
        Serde(reader.bundle).encode(reader.make(), serde.Meta())
    assert str(caught.value) == f"billing does not write {party.event}: it is written only by shop"
    made_up = type("Made", (serde.Producer,), {"bundle": classmethod(lambda _: reader.bundle)})
    for service in ("billing", "shop"):
        with pytest.raises(NotOwner):
            made_up(InMemory(), service=service)


@pytest.mark.parametrize(
    ("number", "fact", "help"),
    [
        ("0", "its stubs are older", "run `contracts gen`"),
        ("2", "the library is older than its stubs", "pip install --upgrade event-contracts"),
        ('2,\n    further="of a later format"', "the library is older than its stubs", "pip install --upgrade"),
    ],
)
def test_stubs_of_another_version_of_the_library_are_refused_at_import(
    party: Party, tmp_path: Path, number: str, fact: str, help: str
) -> None:
    # What a later generator may add comes behind what there is now.
    end = "    produces=True,\n"
    folder = copy_of(party, tmp_path, "check_stub(\n    1,", f"check_stub(\n    {number.partition(',')[0]},")
    if "further" in number:
        module = folder / "copied" / f"{LANGUAGES[party.language][1]}.py"
        module.write_text(module.read_text("utf-8").replace(end, f'{end}    further="later",\n'), "utf-8")
    with pytest.raises(UnfitStub) as caught:
        import_copy(party, folder)
    assert str(caught.value).startswith(f"the stubs of {party.event} have format {number[0]}, made by event-contracts ")
    assert str(caught.value).endswith(f"; the library here reads format 1: {fact}")
    assert caught.value.help.startswith(help)


EDITS: Final = {
    "a field was taken out": ("    ratio: _float = 0.0\n", "", "ratio"),
    "a symbol was taken out": ("    HELD = ", "    # HELD = ", "HELD"),
}


@pytest.mark.parametrize("what", EDITS)
def test_stubs_that_were_edited_are_refused(party: Party, tmp_path: Path, what: str) -> None:
    before, after, fact = EDITS[what]
    stubs = import_copy(party, copy_of(party, tmp_path, before, after))
    value = party.produce(InMemory()).encode(party.make(), correlation_id="c-1").value or b""
    runtime = Serde(getattr(stubs, f"{party.name}Consumer").bundle())
    for _ in range(2):
        with pytest.raises(UnfitStub) as caught:
            runtime.decode(value)
        assert fact in str(caught.value)
        assert caught.value.help == "make the stubs again: contracts gen"


def test_objects_of_stubs_that_were_reloaded_are_told_apart(party: Party, tmp_path: Path) -> None:
    with importable(copy_of(party, tmp_path)):
        stubs = importlib.import_module(f"copied.{LANGUAGES[party.language][1]}")
        old, older = getattr(stubs, party.name)(order_id="o-1"), getattr(stubs, f"{party.name}Producer")
        before = older(InMemory(), service="shop", active=2)
        importlib.reload(stubs)
    after = getattr(stubs, f"{party.name}Producer")(InMemory(), service="shop", active=2)
    assert before.publish(old, correlation_id="c-1").version == 2
    assert after.publish(getattr(stubs, party.name)(order_id="o-1"), correlation_id="c-1").version == 2
    with pytest.raises(serde.EncodeError, match="it is another class of that name") as caught:
        after.publish(old, correlation_id="c-1")
    assert "was that module reloaded" in caught.value.help


@pytest.mark.parametrize(
    ("consumers", "fact"),
    [
        (lambda _: [None], "a NoneType handles no event"),
        (lambda _: [object()], "a object handles no event"),
        (lambda party: [type(party.consume()[0])], "the class Seeing handles no event"),
        (lambda _: [], "no consumer was given: nobody would handle anything"),
    ],
)
def test_what_would_handle_nothing_cannot_subscribe(
    party: Party, consumers: Callable[[Party], list[serde.Consumer]], fact: str
) -> None:
    with pytest.raises(SerdeError) as caught:
        InMemory().subscribe(*consumers(party), service="shop")
    assert str(caught.value) == fact


def test_threads_publish_whole_events_while_the_active_version_changes(party: Party) -> None:
    transport = InMemory(partitions=2)
    producer = party.produce(transport, active=1)
    runtime = Serde(party.bundle)
    done = Event()

    def switch() -> int:
        count = 0
        while not done.is_set():
            producer.activate(1 + count % 2)
            count += 1
        return count

    def publish(thread: int) -> None:
        for number in range(100):
            producer.publish(
                party.make(1 + number % 2, order_id=f"o-{thread}-{number}", count=number), correlation_id=f"c-{thread}"
            )

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(9) as pool:
            switching = pool.submit(switch)
            try:
                list(pool.map(publish, range(8)))
            finally:
                done.set()
            assert switching.result() > 0
    finally:
        sys.setswitchinterval(interval)
    records = transport.records("shop.orders")
    assert len({(record.partition, record.offset) for record in records}) == len(records) == 800
    for record in records:
        # The frame, the payload and the headers are of one version, and of one event.
        event, meta = runtime.decode(record.value or b"", record.headers)
        assert meta.version == meta.schema_version
        assert record.key == event.order_id.encode()
        assert event.order_id == f"o-{meta.correlation_id[2:]}-{event.count}"
    consumer, seen = party.consume()
    transport.subscribe(consumer, service="shop")
    assert transport.deliver() == len(seen) == 800


def test_one_manager_serves_tasks_and_threads_at_once(party: Party) -> None:
    transport = InMemory()
    producer = party.produce(transport)
    job = serde.correlation("job-1")

    async def work(turns: int) -> str | None:
        with job:
            for _ in range(turns):
                await asyncio.sleep(0)
            producer.publish(party.make())
            with job, serde.correlation("part-1"):
                await asyncio.sleep(0)
                producer.publish(party.make())
            assert serde.current_correlation() == "job-1"
        return serde.current_correlation()

    async def main() -> list[str | None]:
        return list(await asyncio.gather(*(work(5 - turns) for turns in range(5))))

    assert asyncio.run(main()) == [None] * 5
    correlated = [dict(record.headers)["ce_correlationid"] for record in transport.records("shop.orders")]
    assert sorted(correlated, key=repr) == [b"job-1"] * 5 + [b"part-1"] * 5
    with serde.correlation("outer"):
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda turns: asyncio.run(work(turns)), range(8))) == [None] * 8
        assert serde.current_correlation() == "outer"


def handle_with(party: Party, handler: Callable[..., object]) -> tuple[InMemory, serde.Subscription]:
    """A topic with one record, and a subscription whose handler is this function."""
    consumer = type("Own", (getattr(party.stubs, f"{party.name}Consumer"),), {f"on_{party.name.lower()}": handler})()
    transport = InMemory()
    subscription = transport.subscribe(consumer, service="shop")
    party.produce(transport).publish(party.make(), correlation_id="c-1")
    return transport, subscription


def test_a_handler_that_has_not_run_yet_when_it_returns_is_refused(party: Party) -> None:
    async def later(_self: object, _event: object, _meta: object) -> None: ...

    def steps(_self: object, _event: object, _meta: object) -> Iterator[int]:
        yield 1

    async def streams(_self: object, _event: object, _meta: object) -> AsyncIterator[int]:
        yield 1

    for handler, kind in ((later, "coroutine"), (steps, "generator"), (streams, "async generator")):
        with pytest.raises(SerdeError, match=f"is an? {kind}: nobody here would (await|run) it"):
            handle_with(party, handler)
        # Behind a decorator it is not seen before it is called: then the record still waits.
        transport, subscription = handle_with(party, lambda *given, handler=handler: handler(*given))
        for _ in range(2):
            with pytest.raises(SerdeError, match=f"the handler of {party.event} gave back a"):
                transport.deliver()
        assert subscription.offsets == {}


def test_a_handler_that_delivers_is_told_and_does_not_handle_its_record_for_ever(party: Party) -> None:
    calls: list[int] = []

    def handle(_self: object, _event: object, _meta: object) -> None:
        calls.append(transport.deliver() if len(calls) < 100 else 0)

    transport, _ = handle_with(party, handle)
    with pytest.raises(SerdeError, match="a delivery is under way already"):
        transport.deliver()
    assert calls == []


def test_what_a_handler_cannot_publish_is_its_own_error_and_no_record_that_waits(party: Party) -> None:
    def handle(_self: object, _event: object, _meta: object) -> None:
        raise serde.Unrepresentable("v1 cannot express it")

    transport, subscription = handle_with(party, handle)
    with pytest.raises(serde.Unrepresentable):
        transport.deliver()
    assert subscription.paused == {}
