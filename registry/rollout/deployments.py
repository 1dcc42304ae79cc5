"""What is deployed: which recorded deployment replaces which, and which of them still count."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from registry.rollout.rollout import Deployment


def record(existing: Iterable[Deployment], new: Deployment) -> tuple[Deployment, ...]:
    """The deployments of a service in an environment once a new one is recorded.

    A deployment replaces the one before it of the same instance; one of the whole service replaces those of all
    instances. A release stands beside them, and replaces only what was recorded of the same release.
    """
    kept = (each for each in existing if not _is_replaced(each, new))
    return tuple(sorted((*kept, new), key=lambda each: (each.release, each.instance, each.at)))


def _is_replaced(old: Deployment, new: Deployment) -> bool:
    same_place = (old.environment, old.service, old.release) == (new.environment, new.service, new.release)
    return same_place and new.instance in ("", old.instance)


def find_current(deployments: Iterable[Deployment], now: datetime) -> Iterator[Deployment]:
    """Those that count now: a release counts until its support ends, everything else until it is replaced."""
    return (each for each in deployments if not each.supported_until or now < each.supported_until)
