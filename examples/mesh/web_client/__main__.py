"""`python -m web_client BROKER [--redrive]`: a handler with a bug, what becomes of its event, and how it comes back."""

import logging
import signal
import sys

from registry.kafka import Retry, Subscription, redrive
from registry.serde import Meta

from .events import CacheInvalidated, CacheInvalidatedConsumer

GROUP = "web-client"


class Screen(CacheInvalidatedConsumer):
    """Drops pages; before it was repaired it fell over titles with a question mark."""

    def __init__(self, repaired: bool) -> None:
        self._repaired = repaired

    def on_cache_invalidated(self, event: CacheInvalidated, meta: Meta) -> None:
        """Each path that the event names."""
        for path in event.paths:
            if "?" in path and not self._repaired:
                print(f"cannot drop {path}", flush=True)
                raise ValueError(f"a path with a question mark: {path}")
            print(f"dropped {path}", flush=True)


def main() -> None:
    """Handles events until it is told to stop; with ``--redrive`` the dead letters, once."""
    logging.basicConfig(stream=sys.stdout, format="%(message)s")
    broker = {"bootstrap.servers": sys.argv[1]}
    again = "--redrive" in sys.argv
    screen = Screen(repaired=again)
    if again:
        redrive(broker, screen, group=GROUP)
        return
    retry = Retry(attempts=3, first=0.05)
    with Subscription(broker, screen, group=GROUP, retry=retry) as subscription:
        print("ready", flush=True)
        subscription.run(signals=[signal.SIGTERM])


if __name__ == "__main__":
    main()
