"""The classes that publish an event and take it, and the step from an older version to the newest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from registry.codegen.code import Call, Class, Code, Text
from registry.codegen.imports import Names
from registry.codegen.layout import Scope, keep, render_code
from registry.codegen.plan import StubPlan
from registry.codegen.quoting import WIDTH, quote_doc, with_article
from registry.errors import Flaw
from registry.frozen import dataclass
from registry.serde.naming import class_name, handler_name
from registry.source import Location

TOMBSTONE: Final = "on_tombstone"


@dataclass(frozen=True, slots=True)
class Party:
    """A producer or a consumer, for threads or for asyncio."""

    name: str
    asynchronous: bool

    @property
    def prefix(self) -> str:
        """What the class that it inherits is called in front."""
        return "Async" if self.asynchronous else ""

    @property
    def about(self) -> str:
        """What its docstring ends with."""
        return " For asyncio." if self.asynchronous else ""


def find_producers(plan: StubPlan) -> tuple[Party, ...]:
    """What the module has for those that write the event; nothing where the service does not."""
    return _find_both(plan, "Producer") if plan.writes else ()


def find_consumers(plan: StubPlan) -> tuple[Party, ...]:
    """What the module has for those that read the event; nothing where the service does not."""
    return _find_both(plan, "Consumer") if plan.reads else ()


def _find_both(plan: StubPlan, role: str) -> tuple[Party, ...]:
    base = class_name(plan.short_name)
    return Party(f"{base}{role}", asynchronous=False), Party(f"{base}Async{role}", asynchronous=True)


def render_producer(plan: StubPlan, party: Party, writable: Sequence[str], names: Names, bundle: str) -> str:
    """The producer; ``writable`` are the classes that it takes, the newest first."""
    base = f"{names.use('serde')}.{party.prefix}Producer[{' | '.join(writable)}]"
    name = party.name
    line = keep(f"class {name}({base}):")
    if len(line) > WIDTH >= len(base) + 5:
        line = f"class {name}(\n    {base},\n):"
    about = f"Publishes {plan.short_name}, which {plan.owner} alone may do."
    if len(plan.writes) > 1:
        able = ", ".join(str(number) for number in sorted(plan.writes))
        about += f" Writes version {min(plan.writes)} until told otherwise; can write {able}."
    about += party.about
    return "\n".join([line, *quote_doc(about, "    "), "", *_render_bundle(names, bundle)])


def find_methods(plan: StubPlan, older: Iterable[int]) -> frozenset[str]:
    """The names of a consumer's methods."""
    handler = handler_name(plan.short_name)
    return frozenset({"bundle", handler, *(f"{handler}_v{number}" for number in older)})


def find_taken_handler(plan: StubPlan, at: Location) -> Iterator[Flaw]:
    """An event whose handler would have the name of what every consumer has already."""
    handler = handler_name(plan.short_name)
    if handler == TOMBSTONE:
        message = f"the handler of {plan.event} would be {handler}, which consumers have for what was deleted"
        yield Flaw("invalid", message, at, "rename the event")


def render_consumer(
    plan: StubPlan, party: Party, newest: str, older: Mapping[int, str], scope: Scope, bundle: str
) -> str:
    """The consumer; ``scope`` hides the names of its methods."""
    names = scope.names
    handler = handler_name(plan.short_name)
    define, wait = ("async def", "await ") if party.asynchronous else ("def", "")
    lines = [keep(f"class {party.name}({names.use('serde')}.{party.prefix}Consumer):")]
    lines += quote_doc(f"Takes {plan.short_name}.{party.about}", "    ")
    lines += ["", *_render_bundle(names, bundle)]
    lines += ["", f"    @{names.use('abstractmethod')}", *_render_signature(f"{define} {handler}", newest, scope)]
    lines += quote_doc(f"{'Awaited' if wait else 'Called'} for each {plan.short_name}.", "        ")
    for number, class_ in older.items():
        lines += ["", *_render_signature(f"{define} {handler}_v{number}", class_, scope)]
        lines += quote_doc(f"Version {number}, as it was written. By default it is upgraded first.", "        ")
        call = Call(Text(f"{wait}self.{handler}"), (("", Text("event.upgrade()")), ("", Text("meta"))))
        lines.append(f"        {render_code(call, scope, 8, 7)}")
    return "\n".join(lines)


def _render_bundle(names: Names, bundle: str) -> list[str]:
    return [
        f"    @{names.use('classmethod')}",
        f"    def bundle(cls) -> {names.use('serde')}.Bundle:",
        '        """The contract, with its schemas."""',
        f"        return {bundle}",
    ]


def _render_signature(defined: str, class_: str, scope: Scope) -> list[str]:
    parts = ["self", f"event: {_annotate(class_, scope)}", f"meta: {scope.names.use('serde')}.Meta"]
    line = f"    {defined}({', '.join(parts)}) -> None:"
    if len(line) <= WIDTH:
        return [line]
    return [f"    {defined}(", *(f"        {part}," for part in parts), "    ) -> None:"]


def render_upgrade(newest: str, scope: Scope, bundle: str) -> list[str]:
    """The method of an older version's class; ``scope`` hides the names of its fields."""
    arguments: list[tuple[str, Code]] = [("", Text(bundle)), ("", Text("self")), ("", Class(newest))]
    call = Call(Text(f"{scope.names.use('serde')}.upgrade"), tuple(arguments))
    return [
        keep(f"    def upgrade(self) -> {_annotate(newest, scope)}:"),
        *quote_doc(f"The same event as {with_article(newest)}.", "        "),
        f"        return {render_code(call, Scope(scope.names), 8, 14)}",
    ]


def _annotate(class_: str, scope: Scope) -> str:
    """A class in an annotation; its second name is known only further down, so it is quoted."""
    return f'"{scope.name_of(Class(class_))}"' if class_ in scope.hidden else class_
