"""ownership.yaml to :class:`registry.contract.Ownership`: teams, services, who writes what, who reads it.

A second owner is no flaw of the file: every claim is kept with its place, and a rule judges them.
Only what no claim could show, such as a service described twice, is a flaw here.
"""

import gc
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeVar

from registry.contract import Claim, Entity, Ownership, Service, Subscriber, Team, Terms, Transfer, Waiver
from registry.document import Table, parse_document, parse_top_key
from registry.duration import parse_duration
from registry.errors import Flaw
from registry.schema import CompatibilityMode
from registry.shape import Day, Flag, Integer, Keys, Known, ListOf, MapOf, OneOf, Several, Text
from registry.source import Location, fixed_location

MODES = tuple(mode.value for mode in CompatibilityMode)
DEFAULT_MODE = CompatibilityMode.BACKWARD_TRANSITIVE
PHASES = ("prepared", "dual_grant", "done")
VERSIONS = ListOf("Version numbers, counted from 1.", Integer("A version number.", minimum=1))
STALENESS = Text(
    "How old the state that a subscriber holds may be: 500ms, 5s, 2m, 1h. It is measured, and no check judges it.",
    pattern="([1-9][0-9]{0,8})(ms|s|m|h)",
    looks="a duration such as 500ms or 5s",
)

SUBSCRIBER = Keys(
    "A service that reads the event; the bare name of a service means all versions and all fields.",
    {
        "service": Text("The service that reads."),
        "reads": ListOf(
            "The versions it can read; without `reads` all that are not retired.",
            Integer("A version number.", minimum=1),
            "leave `reads` out for all versions, or take the subscriber out",
        ),
        "fields": ListOf("The fields it uses; none named means all.", Text("The name of a field.")),
        "served": Flag(
            "Whether it stays on the build it has, and newer versions are converted to those it `reads`: false unless "
            "said."
        ),
    },
    required=("service",),
    short="service",
)

EVENT = Keys(
    "What was signed for one event.",
    {
        "writes": VERSIONS._replace(
            about="The versions that the owner's build can write, of which it begins with the oldest; without `writes` "
            "the newest alone.",
            empty="leave `writes` out for the newest version",
        ),
        "subscribers": ListOf("The services that read it.", SUBSCRIBER),
        "consumers": OneOf("none: nobody is expected to read it, so a rollout waits for nobody.", ("none",)),
        "retired": VERSIONS._replace(about="The versions that no log holds any more."),
        "compatibility": OneOf("What the event promises when it changes; may tighten the default.", MODES),
        "staleness": STALENESS._replace(about=f"{STALENESS.about} Instead of what the entity says."),
        "deprecated": Keys(
            "Set when nobody should begin to read the event.",
            {
                "since": Day("The day of the deprecation."),
                "replaced_by": Text("The full name of the event to read instead."),
            },
            required=("since",),
        ),
    },
)

ENTITY = Keys(
    "A piece of state with one writer, and the events that tell of it.",
    {
        "owner": Several(Text("The one service that writes it.")),
        "topic": Text("The topic of its events; a topic has one owner."),
        "key": Text("The field that every event of the entity has as its message key."),
        "staleness": STALENESS,
        "events": MapOf("Its events.", Text("The full name of an Avro record or a Protobuf message."), EVENT),
    },
)

TRANSFER = Keys(
    "A dated record of an entity changing its owner.",
    {
        "entity": Text("The entity that is handed over."),
        "from": Text("The service that owned it."),
        "to": Text("The service that will own it."),
        "since": Day("The day the transfer began."),
        "phase": OneOf("How far it is; in dual_grant both may write.", PHASES),
    },
    required=("entity", "from", "to", "since", "phase"),
)

WAIVER = Keys(
    "A finding that somebody answers for, until a day.",
    {
        "rule": Text("The id of the rule, such as ownership/second-writer."),
        "target": Text("What it is about: event:NAME, entity:NAME, topic:NAME, service:NAME or file:PATH."),
        "reason": Text("Why it is accepted.", blank=True),
        "approved_by": Text("Who approved it; one of the approvers in policy.yaml.", blank=True),
        "expires": Day("The last day on which it holds.", blank=True),
    },
    required=("rule", "target"),
)

INCLUDES = ListOf("Further files of this form, one for each domain.", Text("A path or glob from the repository's top."))

OWNERSHIP = Keys(
    "Who may write what: teams, services, entities, their events and those who read them.",
    {
        "version": Known("The version of this file's form."),
        "include": INCLUDES,
        "defaults": Keys(
            "What holds where an event says nothing.",
            {"compatibility": OneOf("The compatibility mode of every event that names none.", MODES)},
        ),
        "teams": MapOf(
            "People: who approves, and where to ask.",
            Text("The name of a team."),
            Keys(
                "One team.",
                {
                    "github": Text("The team on GitHub, such as @playconnect/content."),
                    "contacts": ListOf("Where to ask.", Text("A channel, an address.")),
                    "members": ListOf("Its people.", Text("A person's account.")),
                },
            ),
        ),
        "services": MapOf(
            "Whatever is deployed and writes or reads events.",
            Text("The name of a service."),
            Keys(
                "One service.",
                {
                    "team": Text("The team that runs it."),
                    "principal": Text("Its Kafka principal, such as User:content-api."),
                    "groups": ListOf("Its consumer groups.", Text("The name of a consumer group.")),
                },
            ),
        ),
        "entities": MapOf("Pieces of state.", Text("The name of an entity."), ENTITY, repeats=True),
        "transfers": ListOf("Entities that change their owner.", TRANSFER),
        "retired_events": ListOf("Events that are gone for good.", Text("The full name of an event.")),
        "waivers": ListOf("Findings that somebody answers for.", WAIVER),
    },
    required=("version",),
)

TOP_ONLY = ("include", "defaults")

_Noun = TypeVar("_Noun", Team, Service)


def parse_ownership(documents: Mapping[str, str]) -> Ownership:
    """The ownership that the texts declare together; the first is ownership.yaml, the others are what it includes.

    Never raises for what the texts hold: see :attr:`Ownership.flaws`. Without any text it is not ``present``.
    """
    if not documents:
        return Ownership(fixed_location("ownership.yaml", 1, 1))
    # All that is made here is kept, and nothing in it is a cycle: a collection could only search in vain, and with
    # 5,000 events it does so for a third of the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _read(documents)
    finally:
        if collecting:
            gc.enable()


def find_includes(text: str, path: str) -> tuple[str, ...]:
    """The patterns of ownership.yaml's ``include``; none where it has none or cannot be read."""
    return tuple(parse_top_key(text, path, "include", INCLUDES))


def match_include(pattern: str, path: str) -> bool:
    """Whether an include pattern means a path; ``*`` and ``?`` stay within a folder, ``**`` goes down any number."""
    return re.fullmatch(_translate(pattern.removeprefix("./")), path) is not None


def _read(documents: Mapping[str, str]) -> Ownership:
    parsed = [parse_document(text, path, OWNERSHIP) for path, text in documents.items()]
    tables = [document.table for document in parsed]
    top = tables[0]
    flaws = [flaw for document in parsed for flaw in document.flaws]
    flaws += _find_misplaced(tables)
    default = CompatibilityMode(top.get("defaults", {}).get("compatibility", DEFAULT_MODE))
    occurrences = [(name, entity) for table in tables for name, entity in _entities(table)]
    flaws += _find_repeated_owners(occurrences)
    flaws += _find_odd_readers(occurrences)
    return Ownership(
        at=fixed_location(top.path, 1, 1),
        present=True,
        teams=_merge(tables, "teams", _team, flaws),
        services=_merge(tables, "services", _service, flaws),
        entities=_merge_entities(occurrences, flaws),
        terms=_merge_terms(occurrences, default, flaws),
        transfers=tuple(
            Transfer(item["entity"], item["from"], item["to"], item["since"], item["phase"], item.at)
            for table in tables
            for item in table.get("transfers", ())
            if all(key in item for key in TRANSFER.required)
        ),
        retired_events=tuple(name for table in tables for name in table.get("retired_events", ())),
        waivers=tuple(_find_waivers(tables)),
        claims=tuple(claim for name, entity in occurrences for claim in _find_claims(name, entity)),
        flaws=tuple(flaws),
    )


def _translate(pattern: str) -> str:
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"((?:(?<=/)|(?<=^))\*\*/|\*\*|\*|\?)", pattern)
    return "".join(words.get(part) or re.escape(part) for part in parts)


def _entities(table: Table) -> list[tuple[str, Table]]:
    """Each entity of one file, in the order of the file; a name that stands there twice is there twice."""
    found = [(name, entity) for name, entities in table.get("entities", {}).items() for entity in entities]
    return sorted(found, key=lambda pair: pair[1].start)


def _find_misplaced(tables: list[Table]) -> Iterator[Flaw]:
    """What only the top file may say, in another; and what the top file includes by its path and nobody has."""
    top, *others = tables
    for table in others:
        for key in TOP_ONLY:
            if key in table.marks:
                message = f"'{key}' can stand only in {top.path}"
                yield Flaw("invalid", message, table.at_key(key), f"move it to {top.path}")
    paths = [table.path for table in others]
    for pattern in top.get("include", ()):
        if pattern.startswith("/") or ".." in pattern.split("/"):
            message, help = f"the pattern {pattern!r} leads out of the repository", "write it from the repository's top"
        elif not set("*?") & set(pattern) and not any(match_include(pattern, path) for path in paths):
            message = f"the included file {pattern!r} is not there"
            help = "write its path from the repository's top, or take it out"
        else:
            continue
        yield Flaw("invalid", message, top.at_value("include"), help)


def _duplicate(what: str, name: str, first: Location, again: Location) -> Flaw:
    message = f"the {what} {name!r} is described a second time; the first is at {first}"
    return Flaw("invalid", message, again, "keep one of them")


def _merge(
    tables: list[Table], key: str, build: Callable[[str, Table], _Noun], flaws: list[Flaw]
) -> Mapping[str, _Noun]:
    merged: dict[str, _Noun] = {}
    for table in tables:
        for name, entry in table.get(key, {}).items():
            if name in merged:
                flaws.append(_duplicate(key[:-1], name, merged[name].at, entry.at))
            else:
                merged[name] = build(name, entry)
    return MappingProxyType(merged)


def _team(name: str, entry: Table) -> Team:
    contacts, members = tuple(entry.get("contacts", ())), tuple(entry.get("members", ()))
    return Team(name, entry.at, entry.get("github", ""), contacts, members)


def _service(name: str, entry: Table) -> Service:
    return Service(name, entry.at, entry.get("team", ""), entry.get("principal", ""), tuple(entry.get("groups", ())))


def _merge_entities(occurrences: list[tuple[str, Table]], flaws: list[Flaw]) -> Mapping[str, Entity]:
    merged: dict[str, Entity] = {}
    for name, entry in occurrences:
        owners = tuple(entry.get("owner", ()))
        first = merged.get(name)
        if first is None:
            topic_at = entry.at_value("topic") if "topic" in entry else None
            merged[name] = Entity(name, entry.at, owners, entry.get("topic", ""), topic_at, entry.get("key", ""))
            continue
        if not _differ(first.owners, owners):
            flaws.append(_duplicate("entity", name, first.at, entry.at))
        merged[name] = Entity(name, first.at, first.owners + owners, first.topic, first.topic_at, first.key)
    return MappingProxyType(merged)


def _find_repeated_owners(occurrences: list[tuple[str, Table]]) -> Iterator[Flaw]:
    """An owner named twice is no second writer, so no rule would tell of it."""
    for name, entry in occurrences:
        seen: dict[str, Location] = {}
        for owner, at in entry.get("owner", ()):
            if seen.setdefault(owner, at) is not at:
                message = f"{owner!r} is named again as owner of {name!r}; the first is at {seen[owner]}"
                yield Flaw("invalid", message, at, "keep one of them")


def _find_odd_readers(occurrences: list[tuple[str, Table]]) -> Iterator[Flaw]:
    """Readers of an event that has none, and readers that are served nobody says what."""
    for name, event in ((name, event) for _, entry in occurrences for name, event in entry.get("events", {}).items()):
        subscribers = event.get("subscribers", ())
        if subscribers and "consumers" in event:
            message = f"{name} has `consumers: none`, and is read by {subscribers[0].get('service', 'a subscriber')}"
            yield Flaw("invalid", message, event.at_key("consumers"), "take out the one that is not so")
        for item in subscribers:
            if item.get("served") and "reads" not in item:
                message = (
                    f"{item.get('service', 'the subscriber')} is `served`, and nobody says which versions it reads"
                )
                yield Flaw("invalid", message, item.at_key("served"), "name them: reads: [1]")


def _differ(first: tuple[tuple[str, Location], ...], again: tuple[tuple[str, Location], ...]) -> bool:
    """Whether the claims alone show that something is named twice."""
    return bool(first and again) and len({owner for owner, _ in first + again}) > 1


def _merge_terms(
    occurrences: list[tuple[str, Table]], default: CompatibilityMode, flaws: list[Flaw]
) -> Mapping[str, Terms]:
    merged: dict[str, Terms] = {}
    for entity, entry in occurrences:
        owner, owner_at = _first_owner(entry)
        for name, event in entry.get("events", {}).items():
            first = merged.get(name)
            if first is None:
                merged[name] = _terms(name, event, entity=entity, entry=entry, owner=(owner, owner_at), default=default)
            elif not (owner and first.owner):  # else there are two claims, which a rule tells of
                flaws.append(_duplicate("event", name, first.at, event.at))
    return MappingProxyType(merged)


def _first_owner(entry: Table) -> tuple[str, Location]:
    owners = entry.get("owner")
    return owners[0] if owners else ("", entry.at)


def _terms(
    name: str, event: Table, *, entity: str, entry: Table, owner: tuple[str, Location], default: CompatibilityMode
) -> Terms:
    named = event.get("compatibility")
    deprecated = event.get("deprecated", {})
    return Terms(
        event=name,
        entity=entity,
        owner=owner[0],
        at=event.at,
        owner_at=owner[1],
        topic=entry.get("topic", ""),
        key=entry.get("key", ""),
        staleness=parse_duration(event.get("staleness") or entry.get("staleness", "")),
        compatibility=CompatibilityMode(named) if named else default,
        compatibility_at=event.at_value("compatibility") if named else None,
        writes=tuple(event.get("writes", ())),
        subscribers=tuple(
            Subscriber(
                item["service"],
                item.at,
                tuple(item.get("reads", ())),
                tuple(item.get("fields", ())),
                served=item.get("served", False),
            )
            for item in event.get("subscribers", ())
            if "service" in item
        ),
        retired=tuple(event.get("retired", ())),
        no_consumers=event.get("consumers") == "none",
        deprecated_since=deprecated.get("since"),
        replaced_by=deprecated.get("replaced_by", ""),
    )


def _find_claims(name: str, entry: Table) -> Iterator[Claim]:
    owners = entry.get("owner", ())
    for owner, at in owners:
        yield Claim(f"entity:{name}", owner, at)
    # A second owner of the entity is told of once: its topic and its events are claimed by the first.
    for owner, _ in owners[:1]:
        if "topic" in entry:
            yield Claim(f"topic:{entry['topic']}", owner, entry.at_value("topic"))
        for event, terms in entry.get("events", {}).items():
            yield Claim(f"event:{event}", owner, terms.at)


def _find_waivers(tables: list[Table]) -> Iterator[Waiver]:
    for table in tables:
        for item in table.get("waivers", ()):
            if "rule" in item and "target" in item:
                reason, approved_by = item.get("reason", "").strip(), item.get("approved_by", "").strip()
                yield Waiver(item["rule"], item["target"], reason, approved_by, item.get("expires"), item.at)
