"""Each piece of state has exactly one writer, and everybody named exists."""

from collections import defaultdict
from collections.abc import Iterator

from registry.contract import Catalog, Change, Claim, Contract, Terms
from registry.finding import Problem
from registry.rules.envelope import find_field
from registry.rules.parties import catalog_problem, nearest, problem_of, targets_of
from registry.schema import Array, Primitive, Record, Union
from registry.source import Location


def find_invalid(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """ownership.yaml says something that it cannot say, or was taken away from under the schemas."""
    if before.ownership.present and not after.ownership.present and after.files:
        message = f"ownership.yaml is gone; {before.label} has it, and nobody would own a schema any more"
        yield catalog_problem(after, before.ownership.at, message, "restore it: git checkout HEAD -- ownership.yaml")
    for flaw in after.ownership.flaws:
        yield catalog_problem(after, flaw.location, flaw.message, flaw.help or "see: contracts schema ownership")


def find_unowned(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """An entity that nobody writes, says the file."""
    for entity in after.ownership.entities.values():
        if not entity.owners:
            help_ = f"name the one service that writes {entity.name}: `owner: SERVICE`"
            message = f"entity {entity.name} has no owner"
            yield catalog_problem(after, entity.at, message, help_, targets=(f"entity:{entity.name}",))


def find_second_writers(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Two services claim to write one entity, topic or event."""
    granted = {
        (transfer.entity, service)
        for transfer in after.ownership.transfers
        if transfer.phase == "dual_grant"
        for service in (transfer.giver, transfer.taker)
    }
    claims: dict[str, list[Claim]] = defaultdict(list)
    for claim in after.ownership.claims:
        claims[claim.target].append(claim)
    for target, (first, *others) in claims.items():
        kind, _, name = target.partition(":")
        for claim in others:
            if kind == "entity" and {(name, first.owner), (name, claim.owner)} <= granted:
                continue
            if claim.owner != first.owner or kind == "event":
                yield catalog_problem(
                    after,
                    claim.at,
                    _second_writer(kind, name, first, claim),
                    f"let {claim.owner} ask {first.owner} by an event of its own, or move it: see `transfers`",
                    targets=(target, f"service:{claim.owner}"),
                    first_claim=first.at,
                )


def _second_writer(kind: str, name: str, first: Claim, second: Claim) -> str:
    if first.owner == second.owner:
        return f"{kind} {name} is named twice; it belongs to one entity"
    return f"{kind} {name} is written by {first.owner}; {second.owner} cannot be a second writer"


def find_unknown_services(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """A service is named that `services` does not list."""
    known = after.ownership.services
    for name, role, at in _find_named_services(after):
        if name not in known:
            help_ = nearest(name, known, f"add it: `services: {{{name}: {{team: …}}}}`")
            message = f"{role} {name!r} is no service of ownership.yaml"
            yield catalog_problem(after, at, message, help_, targets=(f"service:{name}",))
    for service in known.values():
        if service.team and service.team not in after.ownership.teams:
            help_ = nearest(service.team, after.ownership.teams, f"add it under `teams`, or correct {service.name}")
            message = f"team {service.team!r} of service {service.name} is no team of ownership.yaml"
            yield catalog_problem(after, service.at, message, help_, targets=(f"service:{service.name}",))


def _find_named_services(catalog: Catalog) -> Iterator[tuple[str, str, Location]]:
    for entity in catalog.ownership.entities.values():
        yield from ((owner, "owner", at) for owner, at in entity.owners)
    for terms in catalog.ownership.terms.values():
        yield from ((subscriber.service, "subscriber", subscriber.at) for subscriber in terms.subscribers)
    for transfer in catalog.ownership.transfers:
        yield transfer.giver, "giver", transfer.at
        yield transfer.taker, "taker", transfer.at


def find_unknown_events(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """An event has an owner and no schema."""
    broken = {flaw.location.path for flaw in after.flaws}
    defined = {name for file in after.files.values() for name in file.outline.defines}
    for name, terms in after.ownership.terms.items():
        if name in defined:
            continue
        old = before.contracts.get(name)
        if old is not None and old.path in broken:
            continue  # its file is there and does not parse, which schema/invalid says better
        short = name.rpartition(".")[2]
        namesake = next((other for other in sorted(defined) if other.rpartition(".")[2] == short), None)
        otherwise = f"add its schema below {after.root or 'the top'}/"
        candidates = defined
        if old is not None and old.path:  # it was there: the name is no slip, and only a rename can have taken it
            candidates = defined - {each for file in before.files.values() for each in file.outline.defines}
            otherwise = "restore its schema, or take the event out of ownership.yaml"
        help_ = f"did you mean {namesake!r}?" if namesake else nearest(name, candidates, otherwise)
        yield catalog_problem(after, terms.at, f"no schema defines {name}", help_, targets=targets_of(terms))


def find_orphans(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """A schema that no event reaches: nobody answers for it."""
    if after.ownership.unread:
        return
    reached = {path for contract in after.contracts.values() if contract.terms for path in contract.files}
    broken = {flaw.location.path for flaw in after.flaws}
    for path, file in after.files.items():
        if path not in reached and path not in broken and not file.outline.error:
            defines = file.outline.defines[0] if file.outline.defines else path
            help_ = "name it under `events` of the entity it belongs to, or remove it"
            yield catalog_problem(after, Location(path), f"no event reaches {defines}, so nobody answers for it", help_)


def find_owner_changes(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """An owner changes by a dated record, never by a one-line edit."""
    moved = {(t.entity, t.giver, t.taker) for t in after.ownership.transfers if t.phase in {"dual_grant", "done"}}
    for name, entity in after.ownership.entities.items():
        old = before.ownership.entities.get(name)
        if old is None or not old.owners or not entity.owners:
            continue
        was, now = old.owners[0][0], entity.owners[0][0]
        if was != now and (name, was, now) not in moved and not _is_nobody(was):
            message = f"{name} was written by {was} and is now written by {now}, without a transfer"
            help_ = f"add to `transfers`: {{entity: {name}, from: {was}, to: {now}, since: DATE, phase: done}}"
            (_, at), (_, old_at) = entity.owners[0], old.owners[0]
            yield catalog_problem(after, at, message, help_, targets=(f"entity:{name}",), was=old_at)


def find_moved_events(before: Catalog, after: Catalog) -> Iterator[Problem]:
    """The same through the back door: an event moves to an entity of another owner."""
    for name, terms in after.ownership.terms.items():
        old = before.ownership.terms.get(name)
        if old is None or old.entity == terms.entity or terms.owner == old.owner:
            continue
        if old.owner and not _is_nobody(old.owner):
            message = f"{name} moved from {old.entity} ({old.owner}) to {terms.entity} ({terms.owner})"
            help_ = f"move the entity by `transfers`, or leave the event with {old.entity}"
            yield catalog_problem(after, terms.at, message, help_, targets=targets_of(old), was=old.at)


def _is_nobody(service: str) -> bool:
    """The owner that `contracts init` writes down: to claim what nobody has claimed takes it from nobody."""
    from registry.scaffold import PLACEHOLDER  # only where something moves

    return service == PLACEHOLDER


def find_missing_keys(change: Change) -> Iterator[Problem]:
    """The message key must be a required field of every event of the entity: it keeps them in order."""
    after = change.after
    if after is None or after.head is None or after.terms is None or not after.terms.key:
        return
    if not isinstance(after.head.resolve(after.head.root), Record):
        return
    key = after.terms.key
    record, field, _ = find_field(after.head, tuple(key.split(".")))
    names = [each.name for each in record.fields]
    if field is None:
        message = f"{change.name} has no field {key!r}, the key of {after.terms.entity}"
        help_ = nearest(key, names, f"add {key!r}: events without it lose their order")
        yield problem_of(change, record.at, message, help_)
    elif isinstance(field.type, Union | Array) or (field.wire is not None and field.wire.oneof):
        message = f"the key {key!r} of {after.terms.entity} may be absent or many in {change.name}"
        yield problem_of(change, field.at, message, "make it a plain, required field")
    elif not _is_spelled(after.head.resolve(field.type)):
        message = f"the key {key!r} of {after.terms.entity} is no simple value in {change.name}"
        yield problem_of(change, field.at, message, "make it a string, a number or a uuid")


def _is_spelled(type_: object) -> bool:
    """Whether equal values have one spelling that every language uses; a message key is that text."""
    if not isinstance(type_, Primitive) or type_.name in ("null", "bool", "boolean", "float", "double"):
        return False
    return type_.logical is None or type_.logical.name in ("uuid", "date")


def find_removed_fields_of_subscribers(change: Change) -> Iterator[Problem]:
    """A field is gone that a subscriber says it uses."""
    before, after = change.before, change.after
    if before is None or after is None or before.head is None or after.head is None or before.terms is None:
        return
    for subscriber in before.terms.subscribers:
        for name in subscriber.fields:
            path = tuple(name.split("."))
            if _has(before, path) and not _has(after, path):
                record, _, _ = find_field(after.head, path)
                message = f"{name!r} is gone, and {subscriber.service} uses it"
                help_ = f"let {subscriber.service} stop using it first, and drop it from its `fields`"
                yield problem_of(change, record.at, message, help_, related=(("subscriber", subscriber.at),))


def find_unknown_pins(change: Change) -> Iterator[Problem]:
    """Versions that were never released, and fields that the event has not; the next version may be pinned early."""
    after = change.after
    if after is None or after.head is None or after.terms is None:
        return
    terms = after.terms
    known = {version.number for version in after.versions} | set(terms.retired)
    known.add(max(known, default=0) + 1)
    pins = [("writes", terms.writes, terms.at), *(("reads", each.reads, each.at) for each in terms.subscribers)]
    for key, numbers, at in pins:
        for number in sorted(set(numbers) - known):
            message = f"`{key}` names v{number} of {change.name}, and the latest is v{max(known) - 1}"
            yield problem_of(change, at, message, "release it first, or correct the number")
    for subscriber in terms.subscribers:
        for name in subscriber.fields:
            path = tuple(name.split("."))
            record, field, _ = find_field(after.head, path)
            gone = change.before is not None and _has(change.before, path)  # another rule says so
            if field is None and not gone:
                message = f"{subscriber.service} uses {name!r}, which {change.name} has not"
                names = [each.name for each in record.fields]
                yield problem_of(change, subscriber.at, message, nearest(path[-1], names, "correct the name"))


def find_unread_versions(change: Change) -> Iterator[Problem]:
    """A subscriber pins what it reads, and what the owner writes until somebody switches is not among it."""
    after = change.after
    if after is None or after.terms is None:
        return
    terms = after.terms
    written = min(terms.writes) if terms.writes else max((version.number for version in after.readable), default=0)
    for subscriber in terms.subscribers:
        # One that is served reads what others write through the control record of a rollout.
        if written and subscriber.reads and written not in subscriber.reads and not subscriber.served:
            pinned = " and ".join(f"v{number}" for number in subscriber.reads)
            default = "" if terms.writes else ", the newest, since it pins no `writes`"
            message = f"{subscriber.service} reads {pinned}, and {terms.owner} writes v{written}{default}"
            help_ = f"add {written} to its `reads`, or pin `writes: [{max(subscriber.reads)}]` until it does"
            yield problem_of(change, subscriber.at, message, help_)


def _has(contract: Contract, path: tuple[str, ...]) -> bool:
    schema = contract.head
    if schema is None or not isinstance(schema.resolve(schema.root), Record):
        return False
    return find_field(schema, path)[1] is not None


def find_owners_that_subscribe(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """The owner reads its own state from its own store; a subscription to itself is a loop."""
    for terms in after.ownership.terms.values():
        for subscriber in terms.subscribers:
            if subscriber.service == terms.owner:
                message = f"{terms.owner} owns {terms.event} and subscribes to it"
                help_ = "remove the subscription: the owner may always read what it writes"
                yield catalog_problem(after, subscriber.at, message, help_, targets=targets_of(terms))


def find_unprotected(_before: Catalog, after: Catalog) -> Iterator[Problem]:
    """Anybody may merge a change of ownership.yaml."""
    if after.ownership.present and not after.codeowned:
        yield catalog_problem(
            after,
            after.ownership.at,
            "no line of CODEOWNERS names ownership.yaml, so anybody may change who writes what",
            "add `/ownership.yaml @your-org/architecture` to .github/CODEOWNERS",
        )


def find_answer(catalog: Catalog, what: str) -> list[Terms]:
    """Who writes a file, a topic, an entity or an event: the terms of every event that it names, or none."""
    terms = catalog.ownership.terms
    if what in terms:
        return [terms[what]]
    named = [each for each in terms.values() if what in {each.topic, each.entity, each.event.rpartition(".")[2]}]
    if named:
        return named
    return [
        contract.terms
        for contract in catalog.contracts.values()
        if contract.terms is not None
        and (what in contract.files or what.startswith(f"{catalog.root}/versions/{contract.name}/"))
    ]
