"""What happens to a record that failed: the table, without a broker."""

import pytest

from registry.kafka.consuming.policy import Decision, Failure, Policy, Stage, check_policy, decide, is_counted
from registry.kafka.errors import ForeignWriter, HandlerTimeout, Reject, SettingsError
from registry.kafka.inbox.errors import ClaimLost, InboxBusy, InboxUnavailable, TransactionEnded
from registry.kafka.retry import Retry
from registry.serde.conversion import Inconvertible
from registry.serde.errors import DecodeError, EncodeError, EnvelopeError, SerdeError, UnknownSchema, Unrepresentable


class Outage(Exception):
    pass


class Nonsense(Exception):
    pass


POLICY = Policy(retry=Retry(attempts=3, jitter=0.0, never=(Nonsense,), always=(Outage,)))

READ = [
    (UnknownSchema("schema id 9"), "pause"),
    (Inconvertible("USD is not EUR", then="hold"), "pause"),
    (Inconvertible("USD is not EUR", then="dead-letter"), "dead-letter"),
    (Unrepresentable("v1 cannot express it"), "pause"),
    (DecodeError("cut off"), "dead-letter"),
    (EnvelopeError("the header ce_id says another"), "dead-letter"),
    (ForeignWriter("billing wrote it"), "dead-letter"),
    # None of the record's faults: it waits for a repair.
    (SerdeError("protobuf is not installed"), "pause"),
    (MemoryError(), "pause"),
]
HANDLE = [
    (ValueError("a bug"), "retry"),
    (Reject("never"), "dead-letter"),
    (Nonsense(), "dead-letter"),
    (Outage(), "retry"),
    (HandlerTimeout("10 s"), "retry"),
    (InboxUnavailable("the database is down"), "pause"),
    (InboxBusy("it is handled elsewhere"), "pause"),
    (TransactionEnded("the handler committed"), "retry"),
    (ClaimLost("too late"), "retry"),
    # What a handler meets when it publishes is its own, whatever the same error would mean on reading.
    (UnknownSchema("schema id 9"), "retry"),
    (EncodeError("no int"), "retry"),
    (Unrepresentable("v1 cannot express it"), "retry"),
]


def first(stage: Stage, error: Exception, attempt: int = 1, policy: Policy = POLICY) -> str:
    return decide(Failure(stage, error), attempt, policy).action


@pytest.mark.parametrize(("error", "action"), READ)
def test_a_record_that_cannot_be_read(error: Exception, action: str) -> None:
    assert first("read", error) == action
    assert first("read", error, attempt=99) == action


@pytest.mark.parametrize(("error", "action"), HANDLE)
def test_a_handler_that_raises(error: Exception, action: str) -> None:
    assert first("handle", error) == action


def test_a_handler_is_called_as_often_as_the_retry_says_and_then_its_record_is_put_aside() -> None:
    decisions = [decide(Failure("handle", ValueError()), attempt, POLICY) for attempt in (1, 2, 3, 4)]
    assert decisions == [
        Decision("retry", 0.1),
        Decision("retry", 0.2),
        Decision("dead-letter"),
        Decision("dead-letter"),
    ]


def test_an_outage_is_waited_for_and_no_event_is_put_aside_for_it() -> None:
    assert first("handle", Outage(), attempt=1000) == "retry"
    assert first("handle", InboxUnavailable("down"), attempt=1000) == "pause"
    assert first("keep", ValueError("the output did not arrive"), attempt=1000) == "pause"
    assert first("bury", ValueError("no dead letter can be written"), attempt=1000) == "pause"


def test_a_partition_that_waits_for_a_repair_is_tried_every_minute_in_the_end() -> None:
    still = Policy(pause=Retry(first=5.0, longest=60.0, jitter=0.0))
    delays = [decide(Failure("read", UnknownSchema("9")), attempt, still).delay for attempt in (1, 2, 3, 4, 5, 6)]
    assert delays == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_an_outage_uses_up_no_attempts() -> None:
    counted = [ValueError(), HandlerTimeout("10 s"), TransactionEnded("committed")]
    others = [Outage(), InboxUnavailable("down"), Reject("never")]
    assert all(is_counted(Failure("handle", error), POLICY) for error in counted)
    assert not any(is_counted(Failure("handle", error), POLICY) for error in others)
    assert not any(is_counted(Failure(stage, ValueError()), POLICY) for stage in ("read", "keep", "bury"))


@pytest.mark.parametrize("unknown", ["pause", "dead-letter", "raise"])
def test_what_an_unknown_schema_leads_to_can_be_said(unknown: str) -> None:
    policy = Policy(unknown=unknown)  # type: ignore[arg-type]  # one of its literals
    check_policy(policy)
    assert first("read", UnknownSchema("9"), policy=policy) == unknown


def test_so_can_what_a_foreign_writer_leads_to() -> None:
    assert first("read", ForeignWriter("x"), policy=Policy(foreign="pause")) == "pause"


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="no policy unknown='skip'") as raised:
        check_policy(Policy(unknown="skip"))  # type: ignore[arg-type]  # that is the point
    assert raised.value.help == "'pause' or 'dead-letter' or 'raise'"
    with pytest.raises(SettingsError, match="no policy foreign='ignore'"):
        check_policy(Policy(foreign="ignore"))  # type: ignore[arg-type]  # that is the point


def test_a_redrive_pauses_nowhere() -> None:
    policy = Policy(retry=Retry(attempts=1), redrive=True)
    assert first("read", Unrepresentable("hold"), policy=policy) == "dead-letter"
    assert first("handle", ValueError(), policy=policy) == "dead-letter"
    for stage in ("keep", "bury"):
        assert first(stage, InboxUnavailable("down"), policy=policy) == "raise"
    assert first("handle", InboxUnavailable("down"), policy=policy) == "raise"
