"""Every event carries a correlation id and a version, where everybody looks for them."""

from collections.abc import Iterator, Sequence

from registry.contract import Change, EnvelopeField, Policy
from registry.finding import Problem
from registry.frozen import dataclass
from registry.rules.parties import problem_of
from registry.schema import Array, Field, Map, Primitive, Record, Ref, Schema, Type, Union

MANDATORY_FOR_US = {"correlation_id": "missing-correlation-id", "schema_version": "missing-version"}
"""The two roles with a rule of their own; every other mandatory field is reported as missing-field."""


@dataclass(frozen=True, slots=True)
class Found:
    """An envelope field as a schema has it."""

    role: EnvelopeField
    field: Field
    record: Record


def find_field(schema: Schema, path: tuple[str, ...]) -> tuple[Record, Field | None, tuple[str, ...]]:
    """Walk a dotted path from the root: the last record reached, the field if there is one, and the steps walked."""
    record = schema.resolve(schema.root)
    walked: tuple[str, ...] = ()
    found: Field | None = None
    for name in path:
        if not isinstance(record, Record):
            break
        current = record
        found = next((field for field in current.fields if field.name == name), None)
        if found is None:
            return current, None, walked
        walked = (*walked, name)
        if len(walked) < len(path):
            record = schema.resolve(found.type)
            found = None
    assert isinstance(schema.resolve(schema.root), Record)
    last = record if isinstance(record, Record) else schema.resolve(schema.root)
    assert isinstance(last, Record)
    return last, found if len(walked) == len(path) else None, walked


def type_words(type_: Type) -> set[str]:
    """The words a policy may use for a type: ``string``, ``uuid``, ``google.protobuf.Timestamp``."""
    match type_:
        case Primitive(name, _, None) | Ref(name):
            return {name}
        case Primitive(name, _, logical) if logical is not None:
            return {logical.name} if logical.name != "uuid" else {logical.name, name}
        case Union(branches):
            return {word for branch in branches if not _is_null(branch) for word in type_words(branch)}
        case Array():
            return {"array"}
        case Map():
            return {"map"}
    return set()


def words_of(schema: Schema, type_: Type) -> set[str]:
    """The same, with a fixed that holds a logical type seen through its name."""
    target = schema.resolve(type_)
    logical = getattr(target, "logical", None)
    return {logical.name} if isinstance(type_, Ref) and logical is not None else type_words(type_)


def _is_null(type_: Type) -> bool:
    return isinstance(type_, Primitive) and type_.name == "null"


def _head(change: Change) -> Schema | None:
    """The head of an event that is new or changed; a record, or there is nothing to look for."""
    after = change.after
    if after is None or after.head is None or after.terms is None:
        return None
    return after.head if isinstance(after.head.resolve(after.head.root), Record) else None


def _spell(role: EnvelopeField) -> str:
    return ".".join(role.path)


def _suggestion(role: EnvelopeField, schema: Schema) -> str:
    word = role.types[0] if role.types else "string"
    if schema.format == "protobuf":
        kinds = {"int": "int32", "timestamp-millis": "google.protobuf.Timestamp", "uuid": "string"}
        return f"add `{kinds.get(word, word)} {role.path[-1]} = N;` under a number that was never used"
    return f'add {{"name": "{role.path[-1]}", "type": "{word}"}}, with a default where the event is released already'


def _find_missing(change: Change, rule: str) -> Iterator[Problem]:
    schema = _head(change)
    if schema is None:
        return
    for role in change.base.policy.envelope:
        if not role.mandatory or MANDATORY_FOR_US.get(role.role, "missing-field") != rule:
            continue
        record, field, _ = find_field(schema, role.path)
        if field is None:
            message = f"{change.name} carries no {_spell(role)!r}, which every event must ({role.role})"
            yield problem_of(change, record.at, message, _suggestion(role, schema))


def find_missing_correlation_id(change: Change) -> Iterator[Problem]:
    """The event cannot be followed through the mesh."""
    return _find_missing(change, "missing-correlation-id")


def find_missing_version(change: Change) -> Iterator[Problem]:
    """A reader cannot see which version it holds."""
    return _find_missing(change, "missing-version")


def find_missing_field(change: Change) -> Iterator[Problem]:
    """A field that the policy demands is not there."""
    return _find_missing(change, "missing-field")


def _find_carried(change: Change) -> Iterator[Found]:
    schema = _head(change)
    if schema is None:
        return
    for role in change.base.policy.envelope:
        record, field, _ = find_field(schema, role.path)
        if field is not None:
            yield Found(role, field, record)


def find_wrong_type(change: Change) -> Iterator[Problem]:
    """An envelope field of a type that nobody's tools expect."""
    schema = _head(change)
    for found in _find_carried(change):
        role, field = found.role, found.field
        assert schema is not None
        words = words_of(schema, field.type)
        if role.types and words.isdisjoint(role.types):
            has = " or ".join(sorted(words)) or "no simple type"
            message = f"{_spell(role)!r} is {has}; {role.role} is one of {', '.join(role.types)}"
            yield problem_of(change, field.at, message, f"make it {role.types[0]}")


def find_nullable(change: Change) -> Iterator[Problem]:
    """A mandatory envelope field that may be absent is not mandatory."""
    for found in _find_carried(change):
        if found.role.mandatory and (how := _how_absent(found.field)):
            message = f"{_spell(found.role)!r} is {how}, so an event may come without it"
            help_ = "make it a plain field; where the event is released already, give it a default instead"
            yield problem_of(change, found.field.at, message, help_)


def _how_absent(field: Field) -> str:
    if isinstance(field.type, Union) and any(_is_null(branch) for branch in field.type.branches):
        return "nullable"
    if isinstance(field.type, Array):
        return "repeated"
    return f"in the oneof {field.wire.oneof!r}" if field.wire is not None and field.wire.oneof else ""


def find_changed(change: Change) -> Iterator[Problem]:
    """Number, name and type of an envelope field are frozen once they are released."""
    before, after = change.before, _head(change)
    if before is None or after is None:
        return
    released = before.versions[-1].schema if before.versions else before.head
    if released is None or not isinstance(released.resolve(released.root), Record):
        return
    for role in change.base.policy.envelope:
        _, old, _ = find_field(released, role.path)
        record, new, _ = find_field(after, role.path)
        if old is None or released.format != after.format or (new is None and role.mandatory):
            continue  # another language is another event, and what is mandatory is missing: other rules say so
        was, now = _frozen(released, old), _frozen(after, new) if new is not None else "absent"
        if was != now:
            message = f"{_spell(role)!r} was {was} and is now {now}; released envelope fields are frozen"
            place = new.at if new is not None else record.at
            yield problem_of(change, place, message, "restore it as it was", related=(("was", old.at),))


def _frozen(schema: Schema, field: Field) -> str:
    """What must not change: type, and number where there is one; gaining a default is no change of the field."""
    words = " or ".join(sorted(words_of(schema, field.type)))
    kind = f"{words} (nullable)" if _how_absent(field) == "nullable" else words
    return f"{kind} = {field.wire.number}" if field.wire is not None else kind


def find_filled(policy: Policy, schema: Schema) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Role to path, of the fields that the serializer fills in; and the fields whose type it cannot, with that type."""
    from registry.policy import ROLES

    filled: dict[str, tuple[str, ...]] = {}
    unfit: dict[str, str] = {}
    for each in policy.envelope:
        role = ROLES.get(each.role)
        field = _find_on_path(schema, each.path) if role else None
        if role is None or field is None:
            continue
        words = words_of(schema, field.type)
        if words.isdisjoint(role.types):
            unfit[".".join(each.path)] = " or ".join(sorted(words)) or "of no simple type"
        else:
            filled[each.role] = each.path
    return filled, unfit


def _find_on_path(schema: Schema, path: Sequence[str]) -> Field | None:
    """The field at a path from the event down, through a record that may be null as well."""
    record: object = schema.resolve(schema.root)
    found: Field | None = None
    for name in path:
        if found is not None:
            inner = schema.resolve(found.type)
            branches = [schema.resolve(each) for each in inner.branches] if isinstance(inner, Union) else [inner]
            record = next((each for each in branches if isinstance(each, Record) and _has(each, name)), None)
        found = (
            next((each for each in record.fields if each.name == name), None) if isinstance(record, Record) else None
        )
        if found is None:
            return None
    return found


def _has(record: Record, name: str) -> bool:
    return any(field.name == name for field in record.fields)
