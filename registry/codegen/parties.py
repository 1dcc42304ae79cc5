"""The classes that publish an event and take it, and the step from an older version to the newest."""

from collections.abc import Iterable, Mapping, Sequence

from registry.codegen.code import Call, Class, Code, Text
from registry.codegen.imports import Names
from registry.codegen.layout import Scope, keep, render_code
from registry.codegen.plan import StubPlan
from registry.codegen.quoting import WIDTH, quote_doc, with_article
from registry.serde.naming import handler_name


def render_producer(plan: StubPlan, name: str, writable: Sequence[str], names: Names, bundle: str) -> str:
    """The producer; ``writable`` are the classes that it takes, the newest first."""
    base = f"{names.use('serde')}.Producer[{' | '.join(writable)}]"
    line = keep(f"class {name}({base}):")
    if len(line) > WIDTH >= len(base) + 5:
        line = f"class {name}(\n    {base},\n):"
    about = f"Publishes {plan.short_name}, which {plan.owner} alone may do."
    if len(plan.writes) > 1:
        able = ", ".join(str(number) for number in sorted(plan.writes))
        about += f" Writes version {min(plan.writes)} until told otherwise; can write {able}."
    return "\n".join([line, *quote_doc(about, "    "), "", *_render_bundle(names, bundle)])


def find_methods(plan: StubPlan, older: Iterable[int]) -> frozenset[str]:
    """The names of a consumer's methods."""
    handler = handler_name(plan.short_name)
    return frozenset({"bundle", handler, *(f"{handler}_v{number}" for number in older)})


def render_consumer(plan: StubPlan, name: str, newest: str, older: Mapping[int, str], scope: Scope, bundle: str) -> str:
    """The consumer; ``scope`` hides the names of its methods."""
    names = scope.names
    handler = handler_name(plan.short_name)
    lines = [keep(f"class {name}({names.use('serde')}.Consumer):"), *quote_doc(f"Takes {plan.short_name}.", "    ")]
    lines += ["", *_render_bundle(names, bundle)]
    lines += ["", f"    @{names.use('abstractmethod')}", *_render_signature(handler, newest, scope)]
    lines += quote_doc(f"Called for each {plan.short_name}.", "        ")
    for number, class_ in older.items():
        lines += ["", *_render_signature(f"{handler}_v{number}", class_, scope)]
        lines += quote_doc(f"Version {number}, as it was written. By default it is upgraded first.", "        ")
        call = Call(Text(f"self.{handler}"), (("", Text("event.upgrade()")), ("", Text("meta"))))
        lines.append(f"        {render_code(call, scope, 8, 7)}")
    return "\n".join(lines)


def _render_bundle(names: Names, bundle: str) -> list[str]:
    return [
        f"    @{names.use('classmethod')}",
        f"    def bundle(cls) -> {names.use('serde')}.Bundle:",
        '        """The contract, with its schemas."""',
        f"        return {bundle}",
    ]


def _render_signature(handler: str, class_: str, scope: Scope) -> list[str]:
    parts = ["self", f"event: {_annotate(class_, scope)}", f"meta: {scope.names.use('serde')}.Meta"]
    line = f"    def {handler}({', '.join(parts)}) -> None:"
    if len(line) <= WIDTH:
        return [line]
    return [f"    def {handler}(", *(f"        {part}," for part in parts), "    ) -> None:"]


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
