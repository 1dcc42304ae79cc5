"""Can the event have stubs? What cannot be named in Python is found before a release freezes it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from registry.contract import Catalog, Change, Contract, Terms
from registry.errors import Flaw
from registry.finding import Problem
from registry.rules.compat import same_meaning
from registry.rules.parties import catalog_problem, problem_of, targets_of
from registry.schema import Array, Enum, Field, Fixed, Map, Primitive, Record, Ref, Schema, Type, Union

_DEEP: Final = 24
"""Types inside each other in one field, from where on it is worth while to count exactly."""
_ODD_CLASS: Final = re.compile(r"(Producer|Consumer|V[0-9]+)$|_$|^_|^Tombstone$")
_RELEASE: Final = re.compile(r",? (?:and )?release that\b.*")


def find_unnameable(change: Change) -> Iterator[Problem]:
    """Names that meet in Python, branches that nothing tells apart there, an envelope that is no place of its own."""
    after = change.after
    if after is None or after.head is None or after.terms is None or not _looks_odd(change, after.head):
        return
    if not isinstance(after.head.resolve(after.head.root), Record):
        message = f"{change.name} is no record, so `contracts gen` has no fields to name"
        yield problem_of(change, after.head.root.at, message, "make it a record before it is released")
        return
    if any(same_meaning(after.head, version.schema) for version in after.readable):
        return  # it is released, and nothing can be done
    head = _next_number(after)
    for flaw in _find_flaws(change, after):
        if flaw.location.path in after.files or f" v{head} " in flaw.message:  # what older versions are is past help
            way_out = f"{_RELEASE.sub('', flaw.help)}: once it is released, it stays so, and has no stubs"
            yield problem_of(change, flaw.location, flaw.message, way_out)


def _next_number(contract: Contract) -> int:
    return max((version.number for version in contract.versions), default=0) + 1


def _find_flaws(change: Change, contract: Contract) -> tuple[Flaw, ...]:
    """As `contracts gen` finds them for a service that reads and writes every version, with the head as the next."""
    from registry.codegen import StubPlan, StubVersion, find_flaws
    from registry.rules.envelope import find_filled

    known = [(version.number, version.schema) for version in contract.readable]
    head = _next_number(contract)
    versions = tuple(
        StubVersion(number, 0, "", "", {}, schema, find_filled(change.head.policy, schema)[0])
        for number, schema in [*known, (head, contract.head)]
        if schema is not None and schema.format == contract.format
        if isinstance(schema.resolve(schema.root), Record)
    )
    numbers = tuple(version.number for version in versions)
    return find_flaws(StubPlan(change.name, contract.format, "", "", "", "", "", numbers, numbers, versions))


def _looks_odd(change: Change, schema: Schema) -> bool:
    """Whether it is worth while to load the generator: nearly no schema is, and the hook is to be quick.

    Two names meet only where one ends in an underscore, since that is all that a name is given; or they are names of
    types in different namespaces.
    """
    root = schema.resolve(schema.root)
    if not isinstance(root, Record):
        return True
    nested = any(len(role.path) > 1 for role in change.head.policy.envelope)
    short: set[str] = set()
    for named in schema.types.values():
        if isinstance(named, Fixed):
            continue
        name = _short(named.name, named.at.pointer, schema.format)
        if name in short or _ODD_CLASS.search(name):
            return True
        short.add(name)
        if isinstance(named, Enum):
            if any(symbol.name.endswith("_") or symbol.name.startswith("_") for symbol in named.symbols):
                return True
        elif any(field.name.endswith("_") or _is_odd(schema, root, field, nested=nested) for field in named.fields):
            return True
    return False


def _short(name: str, pointer: str, language: str) -> str:
    """What the class of a type is called after, as a language sees it."""
    return pointer.strip("/").replace("/", "") if language == "protobuf" else name.rpartition(".")[2]


def _is_odd(schema: Schema, root: Record, field: Field, *, nested: bool) -> bool:
    waiting: list[tuple[Type, int]] = [(field.type, 0)]
    while waiting:
        type_, depth = waiting.pop()
        if depth > _DEEP:
            return True
        if isinstance(type_, Ref):
            if type_.name == root.name or (nested and isinstance(schema.types[type_.name], Record)):
                return True
        elif isinstance(type_, Array):
            waiting.append((type_.items, depth + 1))
        elif isinstance(type_, Map):
            waiting.append((type_.values, depth + 1))
        elif isinstance(type_, Union):
            plain = [schema.resolve(branch) for branch in type_.branches]
            values = [each for each in plain if isinstance(each, Fixed | Primitive) and _is_value(each)]
            if len(values) > 1 and any(isinstance(each, Fixed) for each in values):
                return True
            waiting += [(branch, depth + 1) for branch in type_.branches]
    return False


def _is_value(scalar: Fixed | Primitive) -> bool:
    return isinstance(scalar, Fixed) or scalar.name != "null"


def find_module_clashes(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Two events whose stubs would be one module of one service's package; what the base has was said when it came."""
    alike: dict[str, list[Terms]] = defaultdict(list)
    for name, terms in after.ownership.terms.items():
        alike[name.rpartition(".")[2].replace("_", "").lower()].append(terms)
    for group in alike.values():
        if len(group) > 1:
            yield from _find_shared_modules(before, after, group)


def _find_shared_modules(before: Catalog, after: Catalog, group: list[Terms]) -> Iterator[Problem]:
    from registry.serde.naming import module_name

    known = before.ownership.terms
    first: dict[tuple[str, str], Terms] = {}
    for terms in group:
        name = terms.event
        module = module_name(name.rpartition(".")[2])
        for service in _find_parties(terms):
            other = first.setdefault((service, module), terms)
            if other is terms or all(
                each.event in known and service in _find_parties(known[each.event]) for each in (other, terms)
            ):
                continue
            package = f"{name.rpartition('.')[0].rpartition('.')[2] or 'other'}_events"
            yield catalog_problem(
                after,
                terms.at,
                f"the stubs of {service} would have one module, {module}, for {other.event} and {name}",
                "rename one of them before it is released",
                f"or give each a package: contracts gen --service {service} --only {name} --package {package} …",
                targets=targets_of(terms, f"service:{service}"),
                first=other.at,
            )
            break


def _find_parties(terms: Terms) -> Iterable[str]:
    services = (terms.owner, *(subscriber.service for subscriber in terms.subscribers))
    return dict.fromkeys(filter(None, services))
