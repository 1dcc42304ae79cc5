"""Two services in one process, with topics in memory: their stubs come from `contracts gen`, which `make demo` runs."""

import sys
from importlib import import_module

from content_api.publishing import Publishing
from edge_cache.pages import Pages

from registry.serde import InMemory, NotOwner, Producer, Record, correlation


def main() -> None:
    """Phase 1 of an upgrade, the switch, a replay; then what a service may not do."""
    topics = InMemory()
    publishing = Publishing(topics, active=2)
    pages = Pages(topics)
    subscription = topics.subscribe(pages, service="edge-cache")

    print("content-api makes events of version 3, and version 2 is still the active one:")
    with correlation("5b0e1c9e-0000-4000-8000-000000000001"):
        publishing.publish("item-1", "Old and new", "Both at once.", tags=("kafka",))
    deliver(topics, pages)

    print("\nVersion 3 is switched on; nobody is deployed:")
    publishing.activate(3)
    with correlation("5b0e1c9e-0000-4000-8000-000000000002"):
        publishing.publish("item-2", "New only", "Nobody noticed.")
    deliver(topics, pages)

    print("\nedge-cache reads its topic again from the beginning, old events and new ones:")
    subscription.replay()
    deliver(topics, pages)

    print("\nThe topics now. What was derived carries the correlation id of what it was derived from:")
    for record in (*topics.records("content.items"), *topics.records("edge.cached-pages")):
        print(f"  {record.topic:<18} {describe(record)}")

    print("\nedge-cache copies the stubs of content-api, and takes its producer:")
    try:
        producer: type[Producer[object]] = import_module("content_api.events").ContentPublishedProducer
        producer(topics, service="edge-cache")
    except NotOwner as error:
        print(f"  {type(error).__name__}: {error}\n  help: {error.help}")
    else:
        sys.exit("a second writer was let in")


def deliver(topics: InMemory, pages: Pages) -> None:
    """What waits goes to the handlers: what were they given?"""
    topics.deliver()
    for version, event in pages.seen:
        print(f"  written as v{version}, handled as the newest: {event.title!r}, {len(event.related)} related")
    pages.seen.clear()


def describe(record: Record) -> str:
    """The headers mirror the envelope, so that nobody needs a schema to follow an event."""
    held = {name: (value or b"").decode() for name, value in record.headers}
    assert record.value is not None
    return (
        f"{held['ce_type'].rpartition('.')[2]} v{held['ce_schemaversion']}, {len(record.value)} bytes, "
        f"correlation …{held['ce_correlationid'][-2:]}, id …{held['ce_id'][-4:]}, "
        f"cause {'…' + held['ce_causationid'][-4:] if 'ce_causationid' in held else 'none'}"
    )


if __name__ == "__main__":
    main()
