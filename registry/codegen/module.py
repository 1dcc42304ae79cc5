"""One module of stubs: the classes of an event, its producers and consumers, and its bundle."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from registry.codegen.bundle import write_bundle
from registry.codegen.classes import EnumClass, RecordClass, VersionClasses
from registry.codegen.code import Call, Code, Known, Text
from registry.codegen.imports import Names, find_builtin_like
from registry.codegen.languages import load_language
from registry.codegen.layout import WIDEST, Scope, other_name, render_code
from registry.codegen.names import meeting
from registry.codegen.parties import (
    Party,
    find_consumers,
    find_methods,
    find_producers,
    find_taken_handler,
    render_consumer,
    render_producer,
    render_upgrade,
)
from registry.codegen.plan import StubPlan
from registry.codegen.quoting import quote, quote_doc, quote_line, with_article
from registry.codegen.records import render_record
from registry.errors import Flaw
from registry.frozen import dataclass
from registry.serde.bundle import STUB_FORMAT
from registry.serde.naming import module_name

HEADER: Final = "# Made by `contracts gen"
"""What the first line of every generated module begins with."""
DEFAULT_PACKAGE: Final = "events"
MADE_BY: Final = "0.1.0"
"""The version of the library that the stubs are made by."""


def render_header(service: str, package: str = DEFAULT_PACKAGE, only: Sequence[str] = ()) -> str:
    """The first lines of every module that is made for a service: the command that makes the same package.

    Where it was run, and where the package lies, is another matter on every machine, and is left out.
    """
    options = [] if package == DEFAULT_PACKAGE else [f"--package {package}"]
    command = " ".join(
        [HEADER, "--service", quote_line(service), *options, *(f"--only {quote_line(event)}" for event in only)]
    )
    return f"{command}`, which overwrites it:\n# change the contract, not this file.\n"


_LOOKALIKES: Final = {
    "E741": re.compile(r"^    [lOI](?::| =)", re.MULTILINE).search,
    "E742": re.compile(r"^class [lOI]\b", re.MULTILINE).search,
}
"""Rules of ruff that short names of a schema may break, each with what shows it."""


def finish(header: str, text: str) -> str:
    """A module with its header. Names are the schema's: where they are too long or look alike, linters are told."""
    broken = ["E501"] if max(map(len, f"{header}{text}".split("\n"))) > WIDEST else []
    broken += [rule for rule, search in _LOOKALIKES.items() if search(text)]
    excuse = f"# ruff: noqa: {', '.join([*broken, 'RUF100'])}\n" if broken else ""
    return f"{header}{excuse}{text}"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that could be written."""

    name: str
    text: str
    exports: tuple[str, ...]
    """What the package offers of it: the event's classes, its producers and consumers."""
    flaws: tuple[Flaw, ...] = ()


def render_module(plan: StubPlan, header: str = "") -> Module:
    """The source of an event's module below its header; where there are flaws, it is not to be used."""
    drawn = _draw(plan)
    name = module_name(plan.short_name)
    if drawn.flaws:
        return Module(name, "", (), drawn.flaws)
    body = _Body(plan, drawn.classes, drawn.newest)
    text = finish(header or render_header(plan.service), body.render(drawn.producers, drawn.consumers))
    roots = [drawn.classes[number].root for number in sorted(drawn.classes, reverse=True)]
    return Module(name, text, (*roots, *(party.name for party in (*drawn.producers, *drawn.consumers))))


def find_flaws(plan: StubPlan) -> tuple[Flaw, ...]:
    """What keeps an event from having stubs, whatever other events there are."""
    return _draw(plan).flaws


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What a module is to hold."""

    classes: dict[int, VersionClasses]
    newest: int
    producers: tuple[Party, ...]
    consumers: tuple[Party, ...]
    flaws: tuple[Flaw, ...]


def _draw(plan: StubPlan) -> _Drawn:
    seen = {*plan.reads, *plan.writes}
    versions = [version for version in plan.versions if version.number in seen]
    newest = versions[-1].number
    find_classes = load_language(plan.language)
    classes = {each.number: find_classes(plan, each, _suffix(each.number, newest)) for each in versions}
    producers, consumers = find_producers(plan), find_consumers(plan)
    flaws = [flaw for each in classes.values() for flaw in each.flaws]
    flaws += _find_meetings(plan, classes, (*producers, *consumers))
    if consumers:
        flaws += find_taken_handler(plan, versions[-1].schema.types[plan.event].at)
    return _Drawn(classes, newest, producers, consumers, tuple(flaws))


def _suffix(number: int, newest: int) -> str:
    return "" if number == newest else f"V{number}"


def _find_meetings(plan: StubPlan, classes: dict[int, VersionClasses], parties: tuple[Party, ...]) -> Iterator[Flaw]:
    """Classes of different versions, or of the event and its producers, with one name."""
    schemas = {version.number: version.schema for version in plan.versions}
    event = schemas[max(classes)].types[plan.event].at
    seen = {party.name: ("the producer or consumer", 0, event) for party in parties}
    for number, each in sorted(classes.items(), reverse=True):
        for full_name, name in each.types.items():
            at = schemas[number].types[full_name].at
            other, version, other_at = seen.setdefault(name, (full_name, number, at))
            if version != number:
                label = f"{other} v{version}" if version else other
                yield meeting(f"the class {name}", label, other_at, f"{full_name} v{number}", at)


class _Body:
    """A module on its way to text."""

    def __init__(self, plan: StubPlan, classes: dict[int, VersionClasses], newest: int) -> None:
        self._plan = plan
        self._classes = classes
        self._newest = newest
        taken = {name for each in classes.values() for name in each.types.values()}
        taken |= {a.name for each in classes.values() for record in each.records for a in record.attributes}
        self._names = Names(taken)
        self._scope = Scope(self._names)
        self._bundle = self._names.reserve("BUNDLE")
        self._hidden: set[str] = set()
        """Classes that a field of another class hides, and that are known under a second name too."""

    def render(self, producers: Sequence[Party], consumers: Sequence[Party]) -> str:
        """The whole module."""
        blocks: list[str] = []
        for number in sorted(self._classes, reverse=True):
            blocks += self._render_version(number)
        parties = list(self._render_parties(producers, consumers))
        if self._hidden:
            blocks.append("\n".join(f"{other_name(name)} = {name}" for name in sorted(self._hidden)))
        blocks += parties
        bundle = write_bundle(self._plan, self._classes)
        blocks.append(f"{self._bundle} = {render_code(bundle, self._scope, 0, len(self._bundle) + 3)}")
        check = render_code(self._write_check(bool(producers)), self._scope, 0, 0)
        body = "\n\n\n".join(blocks)
        head = "\n".join([*quote_doc(self._describe()), "", *self._names.render_imports(), "", check])
        return f"{head}\n\n\n{body}\n"

    def _render_parties(self, producers: Sequence[Party], consumers: Sequence[Party]) -> Iterator[str]:
        plan = self._plan
        writable = [self._classes[number].root for number in sorted(plan.writes, reverse=True)]
        for party in producers:
            yield render_producer(plan, party, writable, self._names, self._bundle)
        older = {n: self._classes[n].root for n in sorted(plan.reads, reverse=True) if n != self._newest}
        scope = Scope(self._names, find_methods(plan, older))
        for party in consumers:
            yield render_consumer(plan, party, self._classes[self._newest].root, older, scope, self._bundle)
        self._hidden |= scope.hit

    def _describe(self) -> str:
        plan = self._plan
        numbers = ", ".join(str(number) for number in sorted(self._classes))
        word = "versions" if len(self._classes) > 1 else "version"
        return f"{plan.event}, {word} {numbers}, as {plan.service} uses it."

    def _write_check(self, produces: bool) -> Code:
        plan = self._plan
        facts = {"event": plan.event, "service": plan.service, "owner": plan.owner, "contact": plan.contact}
        named = [(name, Text(quote(text))) for name, text in facts.items()]
        if produces:
            named.append(("produces", Text("True")))
        positional = [("", Text(str(STUB_FORMAT))), ("", Text(quote(MADE_BY)))]
        return Call(Known("serde", "check_stub"), (*positional, *named))

    def _render_version(self, number: int) -> Iterator[str]:
        classes = self._classes[number]
        newest = self._classes[self._newest].root
        defined = {each.name for each in classes.enums}
        for enum in classes.enums:
            yield self._render_enum(enum)
        for record in classes.records:
            unsure = find_builtin_like(set(classes.types.values()) - defined)
            scope = Scope(self._names, unsure.union(each.name for each in record.attributes))
            doc, upgrade = record.doc, []
            if record.name == classes.root:
                doc = self._document(record, number)
                if number != self._newest:
                    upgrade = render_upgrade(newest, scope, self._bundle)
            helpers, block = render_record(record, doc, upgrade, scope, defined)
            yield from helpers
            yield block
            defined.add(record.name)
            self._hidden |= scope.hit

    def _render_enum(self, enum: EnumClass) -> str:
        lines = [f"class {enum.name}({self._names.use('Enum')}):", *quote_doc(enum.doc, "    ")]
        if len(lines) > 1 and enum.members:
            lines.append("")
        seen: dict[str | int, str] = {}
        for member in enum.members:
            value = quote(member.value) if isinstance(member.value, str) else str(member.value)
            first = seen.setdefault(member.value, member.name)
            lines.append(f"    {member.name} = {value if first == member.name else first}")
            lines += quote_doc(member.doc, "    ")
        if len(lines) == 1:
            lines.append("    pass")
        return "\n".join(lines)

    def _document(self, record: RecordClass, number: int) -> str:
        plan = self._plan
        facts = {"Owner": plan.owner, "Topic": plan.topic, "Key": plan.key}
        sentence = " ".join(f"{name}: {fact}." for name, fact in facts.items() if fact)
        if number != self._newest:
            newest = with_article(self._classes[self._newest].root)
            sentence = f"Version {number}; upgrade() makes {newest} of it. {sentence}"
        instead = f": use {plan.replaced_by}" if plan.replaced_by else ""
        warning = f"Deprecated since {plan.deprecated_since}{instead}." if plan.deprecated_since else ""
        return "\n\n".join(part for part in (record.doc.rstrip(), warning, sentence) if part.strip())
