"""Where we differ from others on purpose: one row a reason, and the ids of the cases in `disagreements.txt` beside it.

Nothing else is excused. A case of the list that agrees, or that differs in another way than its group says, is wrong;
so is an id that no file has.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from json import dumps
from pathlib import Path
from typing import Final, cast

from conformance import buf_groups
from conformance.score import Example, Group
from registry.api import RegistryError, Step
from registry.compatibility import compare_schemas
from registry.formats import FORMATS, load_format
from registry.formats.witness import Witness
from registry.schema import CompatibilityMode, Ref, Schema

LIST: Final = Path(__file__).with_name("disagreements.txt")

GROUPS: Final = (
    Group(
        "lossy-promotion",
        "A number is promoted to a float that cannot hold it",
        they="the checkers of Java, Python and Karapace accept `int -> float`, `long -> float` and `long -> "
        "double`; fastavro's decoder rounds, Python's hands on the whole number",
        ours="lossy",
        why="Nothing fails, but a float has 24 bits for a whole number and a double 53: beyond that the reader rounds.",
        right="we are: what is read is not what was written",
        kinds=frozenset({"lossy_promotion"}),
        example=Example(
            "avro",
            '{"type": "record", "name": "Video", "fields": [{"name": "views", "type": "long"}]}',
            '{"type": "record", "name": "Video", "fields": [{"name": "views", "type": "double"}]}',
        ),
    ),
    Group(
        "bytes-read-as-string",
        "Bytes are read as a string",
        they="the checkers of Java, Python and Karapace accept `bytes -> string`",
        ours="break",
        why="Any bytes may be written, and only some of them are UTF-8. Where they are not, fastavro's decoder fails, "
        "Java's puts U+FFFD in their place, and Python's refuses the two schemas from the start.",
        right="we are: the decoders beside these checkers do not read what was written",
        kinds=frozenset({"bytes_read_as_string"}),
        example=Example(
            "avro",
            '{"type": "record", "name": "Page", "fields": [{"name": "body", "type": "bytes"}]}',
            '{"type": "record", "name": "Page", "fields": [{"name": "body", "type": "string"}]}',
        ),
    ),
    Group(
        "another-value",
        "One value is read, and another value of the same writer is not",
        they="Java's decoder and others read the value of the case",
        ours="break, or lossy, for the pair",
        why="A verdict is about every value that the writer may write: the other symbols of its enum, the other "
        "branches of its union.",
        right="both: the case is about a value, the verdict about a schema",
        kinds=frozenset(
            {
                "type_mismatch",
                "missing_enum_symbols",
                "missing_union_branch",
                "lossy_promotion",
                "bytes_read_as_string",
            }
        ),
        example=Example(
            "avro",
            '{"type": "enum", "name": "Status", "symbols": ["DRAFT", "LIVE", "ARCHIVED"]}',
            '{"type": "enum", "name": "Status", "symbols": ["DRAFT", "LIVE"]}',
        ),
    ),
    Group(
        "primitive-name",
        "A record has the name of a primitive type",
        they="Java, fastavro and Python accept a record `ns.long`",
        ours="an invalid schema",
        why="The specification keeps these names out of every namespace (section Names): where such a record is there, "
        "`long` means one thing to one reader and another to the next.",
        right="we are, by the specification; the bytes decide nothing here",
        kinds=frozenset({"invalid"}),
    ),
    Group(
        "renamed",
        "A field or an enum value has another name under the same number",
        they="Apicurio refuses it",
        ours="source",
        why="Protobuf's bytes hold numbers, no names. Code and JSON change, so it is reported, as what it is; where "
        "events travel as JSON it is a break.",
        right="we are, for the bytes; Apicurio is, for JSON",
        kinds=frozenset({"field_name_changed", "json_name_changed", "enum_value_renamed"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Login { string name = 1; }',
            'syntax = "proto3"; message Login { string user_name = 1; }',
            value={"name": "ada"},
        ),
    ),
    Group(
        "reservation",
        "A reservation is missing, or used up",
        they="Apicurio calls the pair incompatible",
        ours="compatible, and an error of the rules `compat/number-not-reserved` and `compat/reservation-dropped`",
        why="These two schemas read each other. What is in danger is a third one, of the past or the future, that "
        "means something else by the number: that is a rule of its own, not a verdict on this pair.",
        right="both: the change is refused here too, under a name that says why",
        kinds=frozenset({"number-not-reserved", "name-not-reserved", "reservation-dropped", "field_removed"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Login { string name = 1; string device = 2; }',
            'syntax = "proto3"; message Login { string name = 1; }',
            value={"name": "ada", "device": "tablet"},
        ),
    ),
    Group(
        "oneof-member-removed",
        "A member of a oneof is removed",
        they="Karapace refuses it, as Confluent's registry does",
        ours="source, and the missing reservation by its rule; a break with `profile: confluent`",
        why="The reader skips the number that it does not know and sees a oneof of which nothing is set, as it must "
        "expect of any oneof; the same as for a removed field.",
        right="we are, for the bytes",
        kinds=frozenset({"field_removed", "oneof_changed", "number-not-reserved"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Sale { string order = 1; oneof by { string card = 2; string voucher = 3; } }',
            'syntax = "proto3"; message Sale { string order = 1; oneof by { string card = 2; } }',
            value={"order": "o-1", "voucher": "SPRING"},
        ),
    ),
    Group(
        "package-changed",
        "The package, and so the event's full name, changes",
        they="Karapace accepts it; measured on the bytes alone nothing happens",
        ours="break",
        why="The bytes do not hold the name, everything around them does: the type URL of an `Any`, the subject, the "
        "type that a consumer asks for.",
        right="we are: an `Any` of the one cannot be unpacked as the other",
        kinds=frozenset({"message_renamed"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; package shop; message Order { string id = 1; }',
            'syntax = "proto3"; package store; message Order { string id = 1; }',
        ),
    ),
    Group(
        "renumbered",
        "A field or an enum value has another number under the same name",
        they="the field `wire` counts by number: one field went, another came, and nothing fails",
        ours="break",
        why="A field of that name is there on both sides, and what was written into the one is absent in the other; an "
        "enum's value reads as an unknown number.",
        right="we are: an ordinary value reads as absent. The registries that the cases are from refuse it as well",
        kinds=frozenset({"field_renumbered", "enum_value_renumbered"}),
        example=Example(
            "protobuf",
            'syntax = "proto3"; message Login { string name = 1; }',
            'syntax = "proto3"; message Login { string name = 3; }',
        ),
    ),
    Group(
        "services",
        "A service or its methods change",
        they="Apicurio refuses it",
        ours="nothing",
        why="Events have no services: nobody calls anybody.",
        right="out of scope",
        in_scope=False,
    ),
)
"""Every reason to differ, in the order of the page."""


def read_list(path: Path = LIST) -> dict[str, Group]:
    """The group of each case that is listed. Raises :class:`RegistryError` with the line that makes no sense."""
    groups = {group.id: group for group in GROUPS}
    listed: dict[str, Group] = {}
    group: Group | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        entry = line.partition("#")[0].strip()
        if entry.startswith("["):
            group = groups.get(entry.strip("[]"))
            if group is None:
                raise RegistryError(f"{path.name}:{number}: {entry} is no group", f"it is one of {', '.join(groups)}")
        elif entry and group is None:
            raise RegistryError(f"{path.name}:{number}: {entry} stands under no group", "put [group] above it")
        elif entry in listed:
            raise RegistryError(f"{path.name}:{number}: {entry} is listed twice", "take one of them off the list")
        elif entry and group:
            listed[entry] = group
    return listed


def render_disagreements() -> str:
    """The table of disagreements as markdown: who says what, the bytes, who is right, and the ids of the cases."""
    cases: dict[str, list[str]] = {}
    for id_, group in read_list().items():
        cases.setdefault(group.id, []).append(id_)
    for id_, (group_id, times) in buf_groups.LISTED.items():
        cases.setdefault(group_id, []).extend([id_] * times)
    return "\n".join(_render_group(group, cases[group.id]) for group in (*GROUPS, *buf_groups.GROUPS))


def _render_group(group: Group, ids: list[str]) -> str:
    """One section: what is said in words first, then the bytes, then the ids, folded."""
    lines = [f"### {group.title}", ""]
    sides = {"They": group.they, "We": group.ours, "Why": group.why, "Right": group.right}
    lines += [f"- **{side}:** {_close(text)}" for side, text in sides.items()]
    if group.example:
        fence = {"avro": "json"}.get(group.example.language, group.example.language)
        lines += ["", f"```{fence}", group.example.old, group.example.new, "```", "", "```text"]
        lines += [*find_proof(group.example), "```"]
    noun = "case" if len(ids) == 1 else "cases"
    lines += ["", f"<details><summary>{len(ids)} {noun}</summary>", "", "```text", *ids, "```", "", "</details>", ""]
    return "\n".join(lines)


def _close(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def find_proof(example: Example) -> Iterator[str]:
    """What the bytes say: the witness of each break or lossy mismatch, or how a value survives where there is none."""
    old, new = (_parse(example.language, text, side) for side, text in (("old", example.old), ("new", example.new)))
    comparison = compare_schemas(CompatibilityMode(example.mode), ("new", new), [("old", old)])
    for mismatch in comparison.mismatches:
        if mismatch.step is not Step.SOURCE:
            module = import_module(f"registry.formats.{example.language}.witness")
            witness: Witness = module.find_witness(mismatch)
            yield f"{witness.sentence} (bytes {witness.data.hex()})" if witness.data else witness.sentence
    if example.value is not None:
        yield show_survival(old, new, example.value)


def show_survival(old: Schema, new: Schema, value: object) -> str:
    """A value of the old schema, written by it and read by the new one."""
    reference = import_module("registry.formats.protobuf.reference")
    data: bytes = reference.encode(old, cast(Ref, old.root).name, value)
    read: Mapping[str, object] = reference.decode(new, cast(Ref, new.root).name, data)
    return f"old wrote {dumps(value)}; new reads {dumps(read)} (bytes {data.hex()})"


def _parse(language: str, text: str, side: str) -> Schema:
    path = f"{side}{FORMATS[language]}"
    return load_format(language).parse({path: text}, [path])
