"""Which branch of a reader's union takes what a writer wrote.

The name decides for named types: the full name or an alias, then the short name where only one branch has it. For the
others the type decides: the same one first, then the promotion that loses least. The order of branches never does.
"""

from collections.abc import Mapping
from typing import Final

from registry.formats.avro.kinds import KINDS
from registry.formats.avro.names import short_name
from registry.formats.avro.scalars import PROMOTIONS, judge_scalars
from registry.formats.mismatch import Step
from registry.schema import Array, Map, Named, Primitive, Ref, Type, Union

_RANK: Final[Mapping[str, int]] = {
    "": 0,
    **{kind: 1 + (Step.SOURCE, Step.LOSSY, Step.BREAK).index(step) for kind, step in KINDS.items()},
}


class Branches:
    """The branches of one union of a reader, ready to be asked: a union of ten thousand is looked through once."""

    __slots__ = ("_aliases", "_full", "_plain", "_short")

    def __init__(self, union: Union, types: Mapping[str, Named]) -> None:
        self._plain: dict[str, Type] = {}
        self._full: dict[tuple[type, str], Ref] = {}
        self._aliases: dict[tuple[type, str], list[Ref]] = {}
        self._short: dict[tuple[type, str], list[Ref]] = {}
        for branch in union.branches:
            if isinstance(branch, Ref):
                named = types[branch.name]
                self._full[type(named), named.name] = branch
                self._short.setdefault((type(named), short_name(named.name)), []).append(branch)
                for alias in dict.fromkeys(named.aliases):
                    self._aliases.setdefault((type(named), alias), []).append(branch)
            else:
                self._plain[branch.name if isinstance(branch, Primitive) else type(branch).__name__] = branch

    def choose(self, writer: Primitive | Array | Map | Named) -> tuple[Type, ...]:
        """The branch that reads a written type; none where none does, several where a name cannot tell them apart."""
        if isinstance(writer, Primitive):
            return self._choose_primitive(writer)
        if isinstance(writer, Array | Map):
            branch = self._plain.get(type(writer).__name__)
            return (branch,) if branch is not None else ()
        full = self._full.get((type(writer), writer.name))
        if full is not None:
            return (full,)
        aliased = self._aliases.get((type(writer), writer.name), [])
        return tuple(aliased or self._short.get((type(writer), short_name(writer.name)), []))

    def _choose_primitive(self, writer: Primitive) -> tuple[Type, ...]:
        exact = self._plain.get(writer.name)
        if exact is not None:
            return (exact,)
        nearest_first = (self._plain.get(name) for name in PROMOTIONS.get(writer.name, ()))
        promotions = [branch for branch in nearest_first if isinstance(branch, Primitive)]
        ranked = sorted(promotions, key=lambda branch: _RANK[judge_scalars(branch, writer)])
        return tuple(ranked[:1])
