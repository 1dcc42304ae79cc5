"""What happens to a record that could not be handled: one table, and a function that reads it."""

from typing import Final, Literal, get_args

from registry.frozen import dataclass
from registry.kafka.errors import ForeignWriter, Reject, SettingsError
from registry.kafka.inbox.errors import InboxUnavailable
from registry.kafka.retry import Retry, check_retry
from registry.serde.errors import DecodeError, EnvelopeError, UnknownSchema, Unrepresentable

Stage = Literal["read", "handle", "keep", "bury"]
"""Where it failed: when it was decoded; in the handler; when an inbox or a transport kept what the handler did; when it
was written to the dead letters."""
Action = Literal["retry", "pause", "dead-letter", "raise"]
"""``retry`` and ``pause`` both come back to the record and hold up its partition; the first one counts attempts."""
Unknown = Literal["pause", "dead-letter", "raise"]
Foreign = Literal["dead-letter", "pause", "handle"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One attempt at a record that came to nothing."""

    stage: Stage
    error: Exception


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now."""

    action: Action
    delay: float = 0.0
    """Seconds until the record is tried again; 0 where it is not."""


PAUSE: Final = Retry(first=5.0, factor=2.0, longest=60.0)
"""How long a partition stands before a record that waits for a repair, until it is tried again."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a service says about its failures."""

    retry: Retry = Retry()
    """For handlers that raise."""
    pause: Retry = PAUSE
    """For records that cannot be read now; their attempts do not count."""
    keep: Retry = Retry()
    """The same where a database or a broker did not keep what was done: it is mostly back soon."""
    unknown: Unknown = "pause"
    """For a schema that nobody knows: a reader that is too old must not drain a topic into its dead letters."""
    foreign: Foreign = "dead-letter"
    """For a record that another service wrote than the one that owns the event."""
    redrive: bool = False
    """Somebody waits for the end, so nothing pauses: what cannot be read is put back, what cannot be kept is raised."""


READING: Final[tuple[tuple[type[Exception], str], ...]] = (
    (UnknownSchema, "unknown"),
    (ForeignWriter, "foreign"),
    (Unrepresentable, "converter"),
    (DecodeError, "dead-letter"),
    (EnvelopeError, "dead-letter"),
    (Exception, "pause"),
)
"""A record that cannot be read: the first row that fits. Bytes that are broken stay so, and are put aside at once; what
is none of the record's faults (a library that is missing, a stub that does not fit) waits for a repair."""

HANDLING: Final[tuple[tuple[type[Exception], str], ...]] = (
    (Reject, "dead-letter"),
    (InboxUnavailable, "keep"),
    (Exception, "retry"),
)
"""A handler that raised."""

ROWS: Final[dict[Stage, tuple[tuple[type[Exception], str], ...]]] = {
    "read": READING,
    "handle": HANDLING,
    "keep": ((Exception, "keep"),),
    "bury": ((Exception, "keep"),),
}
"""Nothing that a database or a broker refuses is the record's fault: it is tried again without end."""


def is_counted(failure: Failure, policy: Policy) -> bool:
    """Whether a failure is one of the attempts that a record has: an outage in between does not use them up."""
    return _find_row(failure) == "retry" and not isinstance(failure.error, policy.retry.always)


def _find_row(failure: Failure) -> str:
    return next(row for kind, row in ROWS[failure.stage] if isinstance(failure.error, kind))


def decide(failure: Failure, attempt: int, policy: Policy) -> Decision:
    """What happens to a record after its ``attempt``-th failure, counted from 1. Pure but for the jitter of delays.

    Those that :func:`is_counted` tells are counted apart from the others.
    """
    error, said = failure.error, _find_row(failure)
    match said:
        case "unknown":
            action: str = policy.unknown
        case "foreign":
            action = policy.foreign
        case "converter":
            action = "dead-letter" if getattr(error, "then", "") == "dead-letter" else "pause"
        case "retry" if isinstance(error, policy.retry.never):
            action = "dead-letter"
        case "retry" if attempt >= policy.retry.attempts and not isinstance(error, policy.retry.always):
            action = "dead-letter"
        case _:
            action = said
    if action in ("pause", "keep") and policy.redrive:
        action = "dead-letter" if failure.stage == "read" else "raise"
    match action:
        case "dead-letter" | "raise":
            return Decision(action)
        case "retry":
            return Decision("retry", policy.retry.delay(attempt))
        case "keep":
            return Decision("pause", policy.keep.delay(attempt))
        case _:
            return Decision("pause", policy.pause.delay(attempt))


def check_policy(policy: Policy) -> None:
    """Raises :class:`SettingsError` for an option that does not exist."""
    for name, said, known in (
        ("unknown", policy.unknown, get_args(Unknown)),
        ("foreign", policy.foreign, get_args(Foreign)),
    ):
        if said not in known:
            raise SettingsError(f"no policy {name}={said!r}", help=" or ".join(repr(each) for each in known))
    for retry in (policy.retry, policy.pause, policy.keep):
        check_retry(retry)
