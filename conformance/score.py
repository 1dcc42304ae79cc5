"""The nouns of a score: what became of one case, why a group of cases differs, and the sum over a file of cases."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Example:
    """A pair of our own, as small as it can be, that shows what a group of cases is about."""

    language: str
    old: str
    new: str
    mode: str = "BACKWARD"
    value: object = None
    """Where we are silent: what is written, to show how it is read; as the language's reference codec takes it (numbers
    are ints, enums names or numbers), and JSON can show it."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases in which we differ from their source for one reason, or which we do not judge at all."""

    id: str
    title: str
    they: str = ""
    """Who says what."""
    ours: str = ""
    """What we say."""
    why: str = ""
    right: str = ""
    """Who is right, and by which law."""
    kinds: frozenset[str] = frozenset()
    """What of ours may make the difference in such a case; empty where we have no word for it at all."""
    in_scope: bool = True
    """Off where the thing is none of our business (services): we do not differ, we do not look."""
    example: Example | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case, judged."""

    id: str
    agrees: bool
    said: str = ""
    """What the source of the case says."""
    ours: str = ""
    """What we say."""
    kinds: frozenset[str] = frozenset()
    """What of ours makes the difference: kinds of mismatches, and of rules."""
    excusable: bool = True
    """Off where no reason can excuse the difference: the bytes fail, and we call the pair compatible."""
    disputed: bool = False
    """The engines contradict each other; the judgement beside the case is what we are compared with."""


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the table."""

    name: str
    agreed: int = 0
    disputed: int = 0
    """How many of the cases are disputed among others; they are counted in the other columns too."""
    on_purpose: Mapping[str, list[str]] = field(default_factory=dict)
    """The ids of the cases, by the id of the group that says why."""
    out_of_scope: Mapping[str, list[str]] = field(default_factory=dict)
    """The same of what we do not judge."""
    wrong: tuple[str, ...] = ()
    """One sentence for each case that nothing explains."""

    @property
    def cases(self) -> int:
        """How many cases were looked at."""
        return self.agreed + count(self.on_purpose) + count(self.out_of_scope) + len(self.wrong)


def count(groups: Mapping[str, list[str]]) -> int:
    """How many cases the groups hold."""
    return sum(map(len, groups.values()))


def score(name: str, outcomes: Iterable[Outcome], listed: Mapping[str, Group]) -> Score:
    """Sums up; ``listed`` holds, by id of the case, the group of each that is known to differ.

    A case that is listed and agrees is wrong too: the list would hide the next difference.
    """
    agreed, disputed = 0, 0
    on_purpose: dict[str, list[str]] = {}
    out_of_scope: dict[str, list[str]] = {}
    wrong: list[str] = []
    for outcome in outcomes:
        disputed += outcome.disputed
        group = listed.get(outcome.id)
        complaint = _complain(outcome, group)
        if complaint:
            wrong.append(f"{outcome.id}: {complaint}")
        elif group is None:
            agreed += 1
        else:
            (on_purpose if group.in_scope else out_of_scope).setdefault(group.id, []).append(outcome.id)
    return Score(name, agreed, disputed, on_purpose, out_of_scope, tuple(wrong))


def _complain(outcome: Outcome, group: Group | None) -> str:
    """Why an outcome is wrong; empty if it is not."""
    if outcome.agrees:
        return f"is listed under {group.id}, and agrees: take it off the list" if group else ""
    said = f"expected is {outcome.said}, we say {outcome.ours}"
    if not outcome.excusable:
        return f"{said}; no reason can excuse that"
    if group is None:
        return said
    if bool(outcome.kinds) != bool(group.kinds) or not outcome.kinds <= group.kinds:
        return f"{said}; that is not why {group.id} lists it"
    return ""
