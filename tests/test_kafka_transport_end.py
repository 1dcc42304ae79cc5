"""The end of a transport: closed, forgotten, forked, or left behind by its program."""

import gc
import os
import subprocess
import sys
import textwrap

import pytest

from registry.kafka.errors import DeliveryFailed
from registry.kafka.producing.line import Unusable
from registry.kafka.producing.transport import KafkaTransport
from registry.serde.record import Record
from tests.kafka_clusters import DEADLINE, Cluster
from tests.kafka_topics import NOWHERE, make_topic, values


def test_after_its_end_it_refuses_and_closing_again_does_nothing(cluster: Cluster) -> None:
    transport = KafkaTransport(cluster.settings)
    transport.close()
    transport.close()
    assert transport.waiting == 0
    with pytest.raises(Unusable, match="this transport cannot send: it was closed") as caught:
        transport.send(Record("t", b"k", b"v"))
    assert caught.value.help == "make a new one"


def send_and_fail(transport: KafkaTransport, topic: str) -> None:
    with transport:
        transport.send(Record(topic, b"k", b"1"))
        raise LookupError


def test_an_exception_inside_comes_out_and_what_was_sent_before_arrives(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with pytest.raises(LookupError):
        send_and_fail(KafkaTransport(cluster.settings), topic)
    assert values(cluster, topic) == [b"1"]


def test_an_exception_inside_takes_along_what_did_not_arrive() -> None:
    with pytest.raises(LookupError) as caught:
        send_and_fail(KafkaTransport({**NOWHERE, "delivery.timeout.ms": 200}), "orders")
    assert "and while the transport was closed: a record of orders did not" in caught.value.__notes__[0]


def test_closing_tells_what_did_not_arrive_in_time() -> None:
    transport = KafkaTransport(NOWHERE)
    transport.send(Record("orders", b"k", b"1"))
    with pytest.raises(DeliveryFailed) as caught:
        transport.close(0.1)
    assert [record.value for record, _ in caught.value.failures] == [b"1"]
    with pytest.raises(Unusable):
        transport.send(Record("orders", b"k", b"2"))


def test_a_transport_that_is_forgotten_sends_what_it_took(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    transport = KafkaTransport(cluster.settings)
    transport.send(Record(topic, b"k", b"1"))
    del transport
    gc.collect()
    assert values(cluster, topic) == [b"1"]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
        check=False,
    )


FORGETFUL = """
    import sys
    from registry.kafka.producing.transport import KafkaTransport
    from registry.serde.record import Record

    transport = KafkaTransport({"bootstrap.servers": sys.argv[1], "log_level": 0}, patience=float(sys.argv[3]))
    for number in range(100):
        transport.send(Record(sys.argv[2], b"k", b"%d" % number))
    """


def test_a_program_that_ends_without_closing_loses_nothing(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    done = run(FORGETFUL, cluster.address, topic, "20")
    assert (done.returncode, done.stderr) == (0, "")
    assert values(cluster, topic) == [b"%d" % number for number in range(100)]


def test_a_program_that_ends_while_the_broker_is_gone_says_what_did_not_arrive() -> None:
    done = run(FORGETFUL, "127.0.0.1:1", "nowhere", "0.2")
    assert "a transport was not closed, and at its end a record of nowhere and 99 more did not reach" in done.stderr


def test_a_forked_child_refuses_with_a_sentence_and_the_parent_goes_on(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    program = """
        import os, sys
        from registry.kafka.producing.line import Unusable
        from registry.kafka.producing.transport import KafkaTransport
        from registry.serde.record import Record

        transport = KafkaTransport({"bootstrap.servers": sys.argv[1], "log_level": 0})
        transport.send(Record(sys.argv[2], b"k", b"before"))
        child = os.fork()
        if not child:
            for call in (lambda: transport.send(Record(sys.argv[2], b"k", b"child")), transport.flush, transport.poll):
                try:
                    call()
                except Unusable as error:
                    print(error, error.help, sep="; ")
            print(transport.waiting)
            transport.close()
            sys.exit(7)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        transport.send(Record(sys.argv[2], b"k", b"after"))
        transport.close()
        """
    done = run(program, cluster.address, topic)
    refused = (
        "this transport cannot send: it belongs to the process that made it, and this one was forked from it; "
        "make one in each process, after the fork"
    )
    assert done.stdout.splitlines() == [refused, refused, refused, "0", "7"], done.stderr
    assert values(cluster, topic) == [b"before", b"after"]


def test_the_fork_of_this_process_leaves_its_transports_alone(cluster: Cluster) -> None:
    topic = make_topic(cluster)
    with KafkaTransport(cluster.settings) as transport:
        transport.send(Record(topic, b"k", b"1"))
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        transport.send(Record(topic, b"k", b"2"))
    assert values(cluster, topic) == [b"1", b"2"]
