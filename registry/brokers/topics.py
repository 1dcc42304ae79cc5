"""The topics that a catalog's services expect to be there."""

import os
from pathlib import Path

from registry.catalog import Shelf, layout_of, read_catalog
from registry.contract import Ownership
from registry.errors import InvalidSchema
from registry.git import open_repo
from registry.kafka.consuming.dead_letters import dead_letter_topic


def read_ownership(folder: Path, root: str) -> Ownership:
    """What ownership.yaml says in the work tree around ``folder``.

    Raises :class:`InvalidSchema` where a flaw of the file hides every event.
    """
    with open_repo(folder) as repo:
        layout = layout_of(root)
        catalog, _ = read_catalog(Shelf(repo, os.environ), repo.read_work_tree(layout.under, layout.holds), layout)
    if catalog.ownership.unread:
        raise InvalidSchema(catalog.ownership.flaws)
    return catalog.ownership


def find_topics(ownership: Ownership) -> list[str]:
    """Each topic that an entity or an event is written to, and the dead letters of each service; sorted, once each."""
    entities, events = ownership.entities.values(), ownership.terms.values()
    written = {entity.topic for entity in entities} | {terms.topic for terms in events}
    services = {
        *ownership.services,
        *(owner for entity in entities for owner, _ in entity.owners),
        *(subscriber.service for terms in events for subscriber in terms.subscribers),
    }
    return sorted(written - {""}) + sorted(map(dead_letter_topic, services))
