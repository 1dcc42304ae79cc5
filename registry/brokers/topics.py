"""The topics that a catalog's services expect to be there."""

from registry.contract import Ownership
from registry.kafka.consuming.dead_letters import dead_letter_topic


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
