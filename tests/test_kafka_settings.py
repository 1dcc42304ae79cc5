"""Settings: what nobody gave is safe, what would lose events is refused, and passwords stay where they are."""

import logging
import subprocess
import sys

import pytest

from registry.kafka.errors import SettingsError
from registry.kafka.producing.transport import KafkaTransport
from registry.kafka.settings import consumer_settings, producer_settings, start_consumer, start_producer

HERE = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}


def test_a_producer_is_idempotent_and_partitions_as_java_does() -> None:
    settings = producer_settings(HERE)
    assert settings["enable.idempotence"] is True
    assert settings["partitioner"] == "murmur2_random"
    assert settings["bootstrap.servers"] == "127.0.0.1:1"


def test_a_consumer_stores_nothing_by_itself_and_begins_with_what_is_there() -> None:
    settings = consumer_settings(HERE, "edge-cache")
    assert settings["group.id"] == "edge-cache"
    assert settings["enable.auto.offset.store"] is False
    assert settings["auto.offset.reset"] == "earliest"
    assert settings["partition.assignment.strategy"] == "cooperative-sticky"


def test_what_the_caller_gives_comes_first() -> None:
    assert producer_settings({**HERE, "linger.ms": 0})["linger.ms"] == 0
    assert consumer_settings({**HERE, "auto.offset.reset": "latest"}, "g")["auto.offset.reset"] == "latest"


def test_a_second_name_of_a_setting_takes_the_place_of_the_default() -> None:
    settings = producer_settings({**HERE, "queue.buffering.max.ms": 50})
    assert settings["linger.ms"] == 50
    assert "queue.buffering.max.ms" not in settings


@pytest.mark.parametrize("names", [("linger.ms", "queue.buffering.max.ms"), ("queue.buffering.max.ms", "linger.ms")])
def test_two_names_of_one_setting_with_two_values_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"queue\.buffering\.max\.ms and linger\.ms are one setting, and differ"):
        producer_settings({**HERE, names[0]: 1, names[1]: 50})
    assert producer_settings({**HERE, names[0]: 1, names[1]: 1})["linger.ms"] == 1


def test_one_dict_serves_producers_and_consumers() -> None:
    both = {**HERE, "acks": "all", "linger.ms": 1, "session.timeout.ms": 6000, "enable.auto.commit": True}
    assert "session.timeout.ms" not in producer_settings(both)
    assert "linger.ms" not in consumer_settings(both, "g")
    start_producer(producer_settings(both))
    start_consumer(consumer_settings(both, "g")).close()


def test_the_caller_s_dict_is_left_alone() -> None:
    given = dict(HERE)
    producer_settings(given)
    consumer_settings(given, "g")
    assert given == HERE


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        ({}, "bootstrap.servers is not set"),
        ({**HERE, "acks": 0}, "acks=0 counts events as sent that a broker may still lose"),
        ({**HERE, "request.required.acks": "1"}, "acks=1 counts"),
        ({**HERE, "enable.idempotence": False}, "a retry repeats events, and reorders"),
        ({**HERE, "enable.idempotence": "false"}, "a retry repeats events, and reorders"),
        ({**HERE, "on_delivery": print}, "on_delivery would hide"),
        ({**HERE, "delivery.report.only.error": True}, "delivery.report.only.error would hide"),
        ({**HERE, "transactional.id": "t"}, "transactional.id is no setting of its own"),
        ({**HERE, "enable.gapless.guarantee": True}, "enable.gapless.guarantee is no setting of its own"),
        ({**HERE, "default.topic.config": {"acks": 0}}, "default.topic.config is not read here"),
    ],
)
def test_what_would_lose_or_reorder_events_is_refused(given: dict[str, object], fact: str) -> None:
    with pytest.raises(SettingsError) as caught:
        producer_settings(given)
    assert fact in str(caught.value)
    assert caught.value.help


def test_a_broker_without_idempotence_is_served_one_request_at_a_time() -> None:
    given = {**HERE, "enable.idempotence": False, "max.in.flight.requests.per.connection": 1}
    start_producer(producer_settings(given))


@pytest.mark.parametrize(
    ("given", "group", "fact"),
    [
        ({}, "g", "bootstrap.servers is not set"),
        (HERE, "", "the consumer group is empty"),
        ({**HERE, "group.id": "other"}, "g", "the settings' group.id is 'other', the group 'g'"),
        ({**HERE, "enable.auto.offset.store": "True"}, "g", "counts records as read before they were handled"),
        ({**HERE, "enable.auto.commit": False}, "g", "nothing would be committed"),
        ({**HERE, "auto.commit.interval.ms": 0}, "g", "commits nothing before the end"),
    ],
)
def test_what_would_pass_over_records_is_refused(given: dict[str, object], group: str, fact: str) -> None:
    with pytest.raises(SettingsError) as caught:
        consumer_settings(given, group)
    assert fact in str(caught.value)
    assert caught.value.help


def test_the_end_of_a_partition_is_no_error_here() -> None:
    assert "enable.partition.eof" not in consumer_settings({**HERE, "enable.partition.eof": True}, "g")


def test_the_broker_s_own_assignment_is_not_told_how() -> None:
    settings = consumer_settings({**HERE, "group.protocol": "consumer"}, "g")
    assert "partition.assignment.strategy" not in settings
    start_consumer(settings).close()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lingering.ms": 5}, 'No such configuration property: "lingering.ms"'),
        ({"linger.ms": "soon"}, "Invalid value for configuration property"),
        ({"error_cb": "log"}, "error_cb"),
    ],
)
def test_what_the_client_does_not_know_is_told_in_its_words(given: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        start_producer(producer_settings(HERE | given))
    assert "the Kafka client refuses its settings" in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["linger.ms", "queue.buffering.max.ms"])
def test_a_wrong_value_is_told_by_both_names_of_its_setting(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        start_producer(producer_settings({**HERE, name: "abc"}))
    assert str(caught.value).splitlines()[0].endswith('configuration property "linger.ms" (queue.buffering.max.ms)')


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"bootstrap_servers": "127.0.0.1:1"}, "bootstrap.servers"),
        ({"bootstrap.server": "127.0.0.1:1"}, "bootstrap.servers"),
        ({**HERE, "linger_ms": 5}, "linger.ms"),
        ({**HERE, "security_protocol": "SSL"}, "security.protocol"),
    ],
)
def test_a_misspelt_name_is_asked_about(given: dict[str, object], meant: str) -> None:
    with pytest.raises(SettingsError) as caught:
        start_producer(producer_settings(given))
    assert caught.value.help == f"did you mean {meant}?"
    assert next(name for name in given if name not in HERE) in str(caught.value)


def test_no_error_shows_a_password() -> None:
    # librdkafka quotes the value where it does not fit: here it was written into the wrong line.
    secret = "open-sesame"
    with pytest.raises(SettingsError) as caught:
        start_producer(producer_settings({**HERE, "security.protocol": secret, "sasl.password": secret}))
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_gapless_transport_starts_without_a_warning_of_the_client_s(caplog: pytest.LogCaptureFixture) -> None:
    KafkaTransport({"bootstrap.servers": "127.0.0.1:1", "log_level": 4}, gapless=True).close(0)
    assert [record.getMessage() for record in caplog.records if "CONFWARN" in record.getMessage()] == []


def test_other_warnings_of_the_client_about_its_settings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    old = {"bootstrap.servers": "127.0.0.1:1", "log_level": 4, "topic.metadata.refresh.fast.cnt": 3}
    KafkaTransport(old, gapless=True).close(0)
    warnings = [record for record in caplog.records if "CONFWARN" in record.getMessage()]
    assert ["topic.metadata.refresh.fast.cnt is deprecated" in each.getMessage() for each in warnings] == [True]
    assert (warnings[0].name, warnings[0].levelno) == ("registry.kafka.client", logging.WARNING)


def test_the_client_is_loaded_when_a_transport_is_made_and_missed_by_name() -> None:
    program = """if True:
        import sys
        from registry.kafka.producing.transport import KafkaTransport
        print("confluent_kafka" in sys.modules)
        sys.modules["confluent_kafka"] = None
        try:
            KafkaTransport({"bootstrap.servers": "127.0.0.1:1"})
        except Exception as error:
            print(type(error).__name__, error.help)
        """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines() == ["False", "MissingLibrary pip install 'event-contracts[kafka]'"]
