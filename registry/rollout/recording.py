"""Recording a deployment in the journal."""

from typing import Final

from registry.rollout.deployments import record
from registry.rollout.errors import LostRace
from registry.rollout.journal.documents import render_deployments
from registry.rollout.journal.events import find_events_path, render_deployed, render_deployed_message
from registry.rollout.journal.journal import Book, Entry, Journal
from registry.rollout.rollout import Deployment

TRIES: Final = 10
"""How often it is written on top of what other jobs record of the same service at the same moment."""


def write_deployment(journal: Journal, deployment: Deployment) -> Book:
    """Put a deployment in the place of what it replaces; the book that holds it.

    Recording the same again changes nothing but the time: two jobs that do it at once are no race that one could lose.
    Raises :class:`registry.errors.RegistryError` where the journal cannot be had.
    """
    for number in range(TRIES):
        book = journal.read()
        kept = record(book.read_deployments(deployment.path), deployment)
        entry = Entry(
            changes={deployment.path: render_deployments(kept)},
            lines={find_events_path(deployment.path): render_deployed(deployment)},
            message=render_deployed_message(deployment),
        )
        try:
            return journal.write(book, entry)
        except LostRace:
            if number == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")
