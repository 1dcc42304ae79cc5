"""`python -m reader SERVICE GROUP BROKER INSTANCE BUILD`: tells what it is given of articles until it is stopped."""

import logging
import signal
import sys
from importlib import import_module
from typing import Any

from registry.kafka import NotAdmitted, Rollouts, Subscription
from registry.serde import Meta


def main() -> None:
    """One instance of a subscriber. Only its stubs tell the builds apart."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    service, group, broker, instance, build = sys.argv[1:]
    stubs: Any = import_module(f"{service.replace('-', '_')}_events")

    class Articles(stubs.ContentPublishedConsumer):  # type: ignore[misc]  # generated when the story is told
        def on_content_published(self, event: Any, meta: Meta) -> None:
            slug = event.url_slug if hasattr(event, "url_slug") else event.slug
            how = f"v{meta.version}" if meta.version == meta.read_as else f"v{meta.version}, as v{meta.read_as}"
            print(f"reads {slug} ({event.visibility.name}) in {how}", flush=True)

    # How soon a member that was stopped is missed: within a story nobody waits for the usual 45 seconds.
    settings = {"bootstrap.servers": broker, "session.timeout.ms": 6_000, "heartbeat.interval.ms": 500}
    with Rollouts(settings, service=service, instance=instance, build=build, period=1.0) as rollouts:
        subscription = Subscription(settings, Articles(), group=group, service=service, rollouts=rollouts)
        print("ready", flush=True)
        try:
            subscription.run(signals=[signal.SIGTERM])
        except NotAdmitted as error:
            print(error.message, flush=True)


if __name__ == "__main__":
    main()
