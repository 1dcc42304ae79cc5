"""The bundle of an event as source: see :class:`registry.serde.bundle.Bundle`."""

from collections.abc import Mapping

from registry.codegen.classes import VersionClasses
from registry.codegen.code import NOTHING, Call, Class, Code, Known, Long, Row, Table, Text
from registry.codegen.plan import StubPlan, StubVersion
from registry.codegen.quoting import quote


def write_bundle(plan: StubPlan, classes: Mapping[int, VersionClasses]) -> Code:
    """The call that makes it; ``classes`` are by version, of those versions that have any."""
    others = ((Text(str(schema_id)), Text(str(number))) for schema_id, number in sorted(plan.others.items()))
    siblings = [(_key(key), _text(event)) for key, event in sorted(plan.siblings.items(), key=_order)]
    return Call(
        Known("serde", "Bundle"),
        (
            ("event", _text(plan.event)),
            ("language", _text(plan.language)),
            ("service", _text(plan.service)),
            ("owner", _text(plan.owner)),
            ("contact", _text(plan.contact)),
            ("topic", _text(plan.topic)),
            ("key", _text(plan.key)),
            ("reads", _numbers(plan.reads)),
            ("writes", _numbers(plan.writes)),
            ("others", Table(tuple(others))),
            *((("siblings", Table(tuple(siblings))),) if siblings else ()),
            *((("staleness", Text(repr(plan.staleness))),) if plan.staleness else ()),
            ("versions", Row(tuple(_write_version(plan, each, classes.get(each.number)) for each in plan.versions))),
        ),
    )


def _order(sibling: tuple[int | str, str]) -> tuple[str, bool, str]:
    key, event = sibling
    return event, isinstance(key, str), str(key)


def _key(key: int | str) -> Code:
    return Text(str(key)) if isinstance(key, int) else _text(key)


def _write_version(plan: StubPlan, version: StubVersion, classes: VersionClasses | None) -> Code:
    files = Table(tuple((_text(path), Long(text)) for path, text in sorted(version.files.items())))
    arguments: list[tuple[str, Code]] = [
        ("number", Text(str(version.number))),
        ("schema_id", Text(str(version.schema_id))),
        ("guid", _text(version.guid)),
        ("root", _text(version.root)),
        ("files", files),
    ]
    if descriptors := _read_descriptors(plan, version):
        arguments.append(("descriptors", Long(descriptors)))
    envelope = [(_text(role), Row(tuple(map(_text, path)))) for role, path in version.envelope.items()]
    shape: list[tuple[str, Code]] = [("envelope", Table(tuple(envelope)))] if envelope else []
    if classes is not None:
        types = sorted(classes.types.items())
        shape.insert(0, ("types", Table(tuple((_text(name), Class(class_)) for name, class_ in types))))
    if shape:
        arguments.append(("shape", Call(Known("serde", "Shape"), tuple(shape))))
    if classes is not None:
        arguments.append(("event", Class(classes.root)))
    if version.upgrade:
        arguments.append(("upgrade", Long(version.upgrade)))
    return Call(Known("serde", "BundledVersion"), tuple(arguments))


def _read_descriptors(plan: StubPlan, version: StubVersion) -> bytes:
    if plan.language != "protobuf":
        return b""
    from registry.codegen.protobuf import strip_sources

    return strip_sources(version.schema.descriptors)


def _text(text: str) -> Code:
    return Text(quote(text))


def _numbers(numbers: tuple[int, ...]) -> Code:
    return Row(tuple(Text(str(each)) for each in numbers)) if numbers else NOTHING
