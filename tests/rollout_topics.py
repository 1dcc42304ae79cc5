"""What a cluster in memory keeps beside logs: compacted topics of documents, and consumer groups."""

from typing import Generic, TypeVar

_T = TypeVar("_T")


class KeyedTopic(Generic[_T]):
    """A compacted topic with one partition: who reads it to its end knows the last document of each key."""

    def __init__(self) -> None:
        self.records: list[tuple[str, _T | None]] = []
        self.latest: dict[str, _T] = {}
        self.life = 0
        """Rises when the topic is made anew: positions in the old one mean nothing then."""

    def write(self, key: str, document: _T | None) -> None:
        """Appends; ``None`` is a tombstone."""
        self.records.append((key, document))
        if document is None:
            self.latest.pop(key, None)
        else:
            self.latest[key] = document

    def follow(self, position: tuple[int, int]) -> tuple[tuple[int, int], list[_T]]:
        """What came after a position, and the position behind it. In a topic made anew one begins at its start."""
        life, index = position
        start = index if life == self.life else 0
        found = [document for _, document in self.records[start:] if document is not None]
        return (self.life, len(self.records)), found

    def set_back(self, count: int) -> None:
        """A backup from long ago is played back: the topic is made anew with its first ``count`` records."""
        kept = self.records[:count]
        self.life, self.records, self.latest = self.life + 1, [], {}
        for key, document in kept:
            self.write(key, document)

    def wipe(self) -> None:
        """Somebody deletes the topic, and it is made anew."""
        self.set_back(0)


class Consumers:
    """A consumer group."""

    def __init__(self) -> None:
        self.members: dict[str, frozenset[str]] = {}
        """Member to the topics that it reads."""
        self.committed: dict[str, dict[int, int]] = {}
        """Topic and partition to the offset that would be read next."""

    @property
    def state(self) -> str:
        """As the broker calls it."""
        return "Stable" if self.members else "Empty"

    def count_members(self, topic: str) -> int:
        """Members that read a topic."""
        return sum(topic in topics for topics in self.members.values())

    def join(self, member: str, topic: str) -> None:
        self.members[member] = self.members.get(member, frozenset()) | {topic}

    def leave(self, member: str) -> None:
        self.members.pop(member, None)

    def commit(self, topic: str, partition: int, offset: int) -> None:
        self.committed.setdefault(topic, {})[partition] = offset

    def expire(self) -> None:
        """What the broker does to the offsets of a group that has had no members for too long."""
        self.committed.clear()
