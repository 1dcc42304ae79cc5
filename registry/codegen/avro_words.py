"""What an annotation cannot tell of a field: how many bytes, how many digits."""

from collections.abc import Iterator

from registry.schema import Array, Field, Fixed, Map, Primitive, Ref, Schema, Type, Union


def describe_field(schema: Schema, field: Field) -> str:
    """The field's doc, and behind it the limit of its values, if there is one and the doc does not say it already."""
    limits = set(_find_limits(schema, field.type, many=False))
    doc = field.doc.strip()
    if len(limits) != 1:  # of a union of several nobody could tell which limit is whose
        return field.doc
    (limit,) = limits
    if limit.rstrip(".").lower() in doc.lower():
        return field.doc
    if not doc:
        return limit
    if "\n" in doc:
        return f"{doc}\n\n{limit}"
    return f"{doc} {limit}" if doc.endswith((".", "!", "?")) else f"{doc}. {limit}"


def _find_limits(schema: Schema, type_: Type, *, many: bool) -> Iterator[str]:
    if isinstance(type_, Array):
        yield from _find_limits(schema, type_.items, many=True)
    elif isinstance(type_, Map):
        yield from _find_limits(schema, type_.values, many=True)
    elif isinstance(type_, Union):
        for branch in type_.branches:
            yield from _find_limits(schema, branch, many=many)
    elif isinstance(type_, Primitive | Ref):
        limit = _describe_limit(schema, type_)
        if limit:
            yield f"Each {limit}." if many else f"{limit[0].upper()}{limit[1:]}."


def _describe_limit(schema: Schema, type_: Primitive | Ref) -> str:
    scalar = schema.types[type_.name] if isinstance(type_, Ref) else type_
    if not isinstance(scalar, Primitive | Fixed):
        return ""
    if scalar.logical is None:
        return _count(scalar.size, "byte") if isinstance(scalar, Fixed) else ""
    if scalar.logical.name != "decimal":
        return ""
    digits, decimals = scalar.logical.precision, scalar.logical.scale
    return f"at most {_count(digits, 'digit')}, {decimals or 'none'} of them decimals"


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
