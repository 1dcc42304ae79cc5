"""A partition whose leader has just come back: questions are asked again, and other errors are not."""

from functools import partial

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from registry.kafka.consuming.redrive import read_ends
from registry.kafka.leaders import ask_leader
from registry.kafka.scan import read_topics
from registry.kafka.settings import consumer_settings
from tests.kafka_clusters import DEADLINE, Cluster

NOT_LEADER = KafkaError.NOT_LEADER_FOR_PARTITION


class Broker:
    """Answers with these errors, one after the other, and then with 7."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop(0)))
        return 7


@pytest.mark.parametrize("error", [NOT_LEADER, KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS])
def test_a_leader_that_does_not_know_it_yet_is_asked_again(error: int) -> None:
    broker = Broker(error, error)
    assert ask_leader(broker) == 7
    assert broker.asked == 3


def test_it_is_not_asked_for_ever() -> None:
    broker = Broker(NOT_LEADER, NOT_LEADER)
    with pytest.raises(KafkaException, match="NOT_LEADER_FOR_PARTITION"):
        ask_leader(broker, patience=-1)
    assert broker.asked == 1


def test_any_other_error_is_told_at_once() -> None:
    broker = Broker(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        ask_leader(broker)
    assert broker.asked == 1


def test_a_topic_is_read_as_soon_as_its_broker_is_back(cluster: Cluster) -> None:
    topic = cluster.topic("shop.orders")
    cluster.create(topic)
    consumer = Consumer({**cluster.settings, "group.id": "a-reader"})
    try:
        for _ in range(3):
            cluster.stop_node(1)
            cluster.start_node(1)
            assert read_ends(consumer_settings(cluster.settings, topic), topic) == {}
            assert ask_leader(partial(consumer.get_watermark_offsets, TopicPartition(topic, 0), DEADLINE)) == (0, 0)
            assert list(read_topics(cluster.settings, [topic])) == []
    finally:
        consumer.close()
