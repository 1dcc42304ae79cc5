"""Ports of the loopback that nobody listens on."""

import random
import socket
from collections.abc import Collection
from itertools import islice
from typing import Final

from registry.brokers.broker import BrokerError

# Below the ports that Linux and macOS give to outgoing connections: one of those would take the port of a broker that
# is down for a moment.
_RANGE: Final = range(20_000, 32_000)


def find_ports(count: int, first: int | None = None, besides: Collection[int] = ()) -> list[int]:
    """So many free ports: from ``first`` on, or any but those of ``besides``, which others are about to listen on.

    Raises :class:`BrokerError` where one of the named is taken.
    """
    if first is not None:
        named = list(range(first, first + count))
        for port in named:
            if not _is_free(port):
                raise BrokerError(f"port {port} of 127.0.0.1 is taken", "another --port, or stop what listens there")
        return named
    free = (port for port in random.sample(_RANGE, len(_RANGE)) if port not in besides and _is_free(port))
    found = list(islice(free, count))
    if len(found) < count:
        raise BrokerError(f"no {count} free ports between {_RANGE[0]} and {_RANGE[-1]} on 127.0.0.1")
    return found


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka itself binds
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
