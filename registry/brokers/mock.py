"""librdkafka's own mock cluster: Kafka's protocol on loopback ports of this process, in milliseconds.

It is made through librdkafka's public C interface (``rdkafka_mock.h``), because the Python client can start one but not
stop a node of it or choose how many partitions a topic has.
"""

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from registry.brokers.broker import Broker, BrokerError
from registry.brokers.client import find_missing_client

TITLE: Final = "librdkafka's mock cluster, in this process"
LIMITS: Final = "for trying out: the newest 5 MB of a partition, no isolated transactions, nothing kept"

_PRODUCER: Final = 0
_TOPIC_ALREADY_EXISTS: Final = 36
_C: Final = {
    "rd_kafka_conf_new": (ctypes.c_void_p,),
    "rd_kafka_conf_set": (ctypes.c_int, ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t),
    "rd_kafka_new": (ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
    "rd_kafka_destroy": (None, ctypes.c_void_p),
    "rd_kafka_handle_mock_cluster": (ctypes.c_void_p, ctypes.c_void_p),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, ctypes.c_void_p),
    "rd_kafka_mock_topic_create": (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int32),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, ctypes.c_void_p, ctypes.c_int32),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, ctypes.c_void_p, ctypes.c_int32),
}
"""Each function of librdkafka that is called: what it returns, then its parameters."""


def find_missing() -> BrokerError | None:
    """The client, if it is not installed; the mock is a part of it."""
    return find_missing_client()


def start(nodes: int = 1, port: int | None = None, tell: Callable[[str], object] = str) -> Broker:
    """Start a mock cluster. Raises :class:`BrokerError`, also for a port: the mock chooses its own."""
    if port is not None:
        raise BrokerError(
            f"the mock cluster cannot listen on port {port}: it chooses free ports itself",
            "leave the port out, or start a real Kafka with --broker apache",
        )
    if missing := find_missing():
        raise missing
    return MockCluster(nodes)


class MockCluster:
    """A mock cluster that lives until it is closed, or until this process ends."""

    def __init__(self, nodes: int) -> None:
        self._nodes = nodes
        self._client = _new_client({"test.mock.num.brokers": str(nodes), "log_level": "0"})
        self._cluster = _librdkafka().rd_kafka_handle_mock_cluster(self._client)
        # Three seconds unless told, in which the first consumer of a group gets nothing.
        _librdkafka().rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.address: str = _librdkafka().rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create_topics(self, topics: Mapping[str, int]) -> None:
        for name, partitions in topics.items():
            code = _librdkafka().rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, self._nodes)
            if code not in {0, _TOPIC_ALREADY_EXISTS}:
                raise BrokerError(f"the mock cluster did not create the topic {name}: librdkafka's error {code}")

    def stop_node(self, number: int, *, kill: bool = False) -> None:
        _librdkafka().rd_kafka_mock_broker_set_down(self._cluster, number)

    def start_node(self, number: int) -> None:
        _librdkafka().rd_kafka_mock_broker_set_up(self._cluster, number)

    def check(self) -> None:
        """It cannot be gone: it is this process."""

    def close(self) -> None:
        if self._client is not None:
            _librdkafka().rd_kafka_destroy(self._client)
            self._client = None


@cache
def _librdkafka() -> Any:
    """The library that the Python client has loaded: names of its dependencies are found through its own module."""
    from confluent_kafka import cimpl

    library = ctypes.CDLL(str(cimpl.__file__))
    for name, (result, *parameters) in _C.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
    return library


def _new_client(settings: Mapping[str, str]) -> Any:
    library, reason = _librdkafka(), ctypes.create_string_buffer(512)
    conf = library.rd_kafka_conf_new()
    for name, value in settings.items():
        if library.rd_kafka_conf_set(conf, name.encode(), value.encode(), reason, len(reason)):
            raise BrokerError(f"librdkafka does not take {name}={value}: {reason.value.decode()}")
    client = library.rd_kafka_new(_PRODUCER, conf, reason, len(reason))
    if not client:
        raise BrokerError(f"librdkafka did not start its mock cluster: {reason.value.decode()}")
    return client
