"""Who is concerned by a contract: its owner, its subscribers, and how to reach them."""

from collections.abc import Iterable

from registry.contract import Catalog, Change, Ownership, Terms
from registry.finding import Problem
from registry.source import Location


def nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """What was probably meant, as a question; ``otherwise`` where nothing is near."""
    from difflib import get_close_matches  # a sound registry never needs it

    close = get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else otherwise


def contact_of(ownership: Ownership, service: str) -> str:
    """How to reach the team of a service; empty where ownership.yaml does not say."""
    known = ownership.services.get(service)
    team = ownership.teams.get(known.team) if known else None
    return next(iter((*team.contacts, team.github)), "") if team else ""


def describe_owner(ownership: Ownership, terms: Terms | None) -> str:
    """``content-api (#team-content)``."""
    if terms is None or not terms.owner:
        return ""
    contact = contact_of(ownership, terms.owner)
    return f"{terms.owner} ({contact})" if contact else terms.owner


def targets_of(terms: Terms | None, *more: str) -> tuple[str, ...]:
    """What a waiver may name to answer for a problem of an event."""
    if terms is None:
        return more
    own = [f"event:{terms.event}", f"entity:{terms.entity}"]
    return tuple(dict.fromkeys([*own, *([f"topic:{terms.topic}"] if terms.topic else []), *more]))


def problem_of(
    change: Change, location: Location, message: str, *help: str, related: tuple[tuple[str, Location], ...] = ()
) -> Problem:
    """A problem of a contract, with the people it concerns."""
    terms = change.terms
    return Problem(
        location=location,
        message=message,
        help=tuple(filter(None, help)),
        targets=targets_of(terms, f"event:{change.name}", f"file:{location.path}"),
        contract=change.name,
        affects=tuple(dict.fromkeys(subscriber.service for subscriber in terms.subscribers)) if terms else (),
        owner=describe_owner(change.head.ownership, terms),
        related=related,
    )


def catalog_problem(
    catalog: Catalog, location: Location, message: str, *help: str, targets: tuple[str, ...] = (), **more: Location
) -> Problem:
    """A problem of the registry as a whole; ``more`` names other places that belong to it."""
    related = tuple((name.replace("_", " "), place) for name, place in more.items())
    return Problem(location, message, tuple(filter(None, help)), (*targets, f"file:{location.path}"), related=related)
