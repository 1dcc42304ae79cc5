"""A registry that answers what is no HTTP, stops in the middle, or sends elsewhere: told, and nothing is given away."""

from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server
from threading import Thread

import pytest
import serde_orders as orders

from registry import serde

STRANGE = bytes.fromhex("00 00 00 00 FF 00")
"""A record whose schema id, 255, the stubs do not know."""


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each request the next answer, whatever it is; its address, and the requests."""
    asked: list[bytes] = []
    with create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(answer)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        thread.join(timeout=10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xff",
        b'HTTP/1.1 200 OK\r\n\r\n{"schema": ' + b"[" * 100_000,
        b'HTTP/1.1 200 OK\r\n\r\n{"schema": ' + b"1" * 10_000 + b"}",
    ],
)
def test_what_is_no_answer_is_told_and_the_record_waits(answer: bytes) -> None:
    with answering(answer, answer) as (url, asked):
        runtime = serde.Serde(orders.BUNDLE, fallback=serde.HttpRegistry(url, timeout=5))
        for _ in range(2):
            with pytest.raises(serde.SerdeError) as caught:
                runtime.decode(STRANGE)
            assert url in str(caught.value)
    assert [request.split()[1] for request in asked] == [b"/schemas/ids/255"] * 2


def test_what_is_only_for_the_registry_is_not_sent_where_it_points_to() -> None:
    with answering(b'HTTP/1.1 404 Not Found\r\n\r\n{"error_code": 40403}') as (other, asked_there):
        redirect = f"HTTP/1.1 302 Found\r\nLocation: {other}/elsewhere\r\n\r\n".encode()
        with answering(redirect) as (url, asked):
            registry = serde.HttpRegistry(url, headers={"Authorization": "Basic c2VjcmV0"})
            assert registry.find("shop.OrderPlaced", 255) is None
    assert b"Basic c2VjcmV0" in asked[0]
    assert asked_there[0].startswith(b"GET /elsewhere")
    assert b"c2VjcmV0" not in asked_there[0]
