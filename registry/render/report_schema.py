"""What `--format json` prints, as JSON Schemas (draft 2020-12)."""

from typing import Any, Final

Shape = dict[str, Any]


def _text(about: str) -> Shape:
    return {"type": "string", "description": about}


def _flag(about: str) -> Shape:
    return {"type": "boolean", "description": about}


def _count(about: str) -> Shape:
    return {"type": "integer", "minimum": 0, "description": about}


def _from_one(about: str) -> Shape:
    return {"type": "integer", "minimum": 1, "description": about}


def _word(about: str, *words: str) -> Shape:
    return {"enum": list(words), "description": about}


def _list(about: str, items: Shape) -> Shape:
    return {"type": "array", "items": items, "description": about}


def _part(about: str, name: str) -> Shape:
    return {"$ref": f"#/$defs/{name}", "description": about}


def _or_null(about: str, shape: Shape) -> Shape:
    return {"anyOf": [shape, {"type": "null"}], "description": about}


def _object(about: str, properties: Shape) -> Shape:
    """An object whose every property is always there."""
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TEXT: Final[Shape] = {"type": "string"}
PLACE: Final[Shape] = {
    "path": _text("The file, relative to the top of the repository."),
    "line": _from_one("The line, counted from 1."),
    "column": _from_one("The column, counted from 1, in characters."),
    "pointer": _text("The place inside the file as a JSON pointer (RFC 6901), by name for Protobuf; may be empty."),
}
SIDE: Final[Shape] = {
    "label": _text("What it is called in the message: `v3`, `main`; of several versions the newest."),
    "type": _text("The type on this side in words; empty where there is none."),
    "location": _part("Where it stands.", "location"),
}
MISMATCH: Final[Shape] = {
    "kind": _text("The kind in snake case; the rule of the same name in kebab case reports it."),
    "step": _word(
        "`break`: reading fails or yields something else; `lossy`: only extreme values change; "
        "`source`: the bytes are fine, code or JSON changes.",
        "break",
        "lossy",
        "source",
    ),
    "direction": _word("`BACKWARD`: the reader is the newer side; `FORWARD`: the writer is.", "BACKWARD", "FORWARD"),
    "path": _text("The value that is hit, as field names from the event's root: `/author/name`."),
    "consequence": _text("What the reader would see; empty where there is nothing to add."),
    "reader": _part("The side that reads.", "side"),
    "writer": _part("The side that wrote.", "side"),
}
WITNESS: Final[Shape] = {
    "sentence": _text("All of it in one sentence."),
    "writer": _text("What the schema is called that wrote the value."),
    "reader": _text("What the schema is called that read it."),
    "bytes": _text("The value as it was encoded, without any framing, in hexadecimal digits."),
    "written": _text("The value that was written, as JSON text."),
    "read": _text("What was read, as JSON text; empty where reading failed."),
    "failure": _text("Why reading failed, with the path; empty where it did not."),
    "note": _text("What is wrong with a value that was read; may be empty."),
    "reason": _text("Why no value shows the mismatch; everything else is empty then, and otherwise this is."),
}
WAIVER: Final[Shape] = {
    "reason": _text("Why."),
    "approved_by": _text("Who answers for it."),
    "expires": _or_null("The last day on which it holds (ISO 8601).", {"type": "string", "format": "date"}),
    "location": _part("Where the waiver is written.", "location"),
}
FINDING: Final[Shape] = {
    "rule": _text("The id of the rule: `family/what-is-wrong`."),
    "severity": _word("What it does to the run, unless it is waived.", "error", "warning", "info"),
    "message": _text("What is wrong, in one sentence."),
    "location": _part("Where, at the head where that is possible.", "location"),
    "help": _list("Ways out, the best one first.", TEXT),
    "contract": _text("The event concerned; several are joined by commas, empty where it concerns none."),
    "affects": _list("The services that read the event.", TEXT),
    "owner": _text("The service that writes the event, with a way to reach its team; may be empty."),
    "targets": _list("What a waiver may name: `event:NAME`, `entity:NAME`, `topic:NAME`, `file:PATH`.", TEXT),
    "related": _list(
        "Other places that belong to it.",
        _object("A place with what it is.", {"label": _text("What it is: `v2`, `was`, `subscriber`."), **PLACE}),
    ),
    "waiver": _or_null("Who answers for it; null where nobody does.", {"$ref": "#/$defs/waiver"}),
    "converted": _flag("Whether declared converters (upgrade.yaml) stand between the two versions."),
    "fixable": _flag("Whether `contracts check --fix` may take the first way out."),
    "mismatch": _or_null(
        "Both sides, where a reader cannot read a writer; null otherwise.", {"$ref": "#/$defs/mismatch"}
    ),
    "versions": _list("The older versions it concerns, where there are several.", TEXT),
    "witness": _or_null(
        "A value that shows it, for a break or lossy mismatch (of a hundred findings); null otherwise.",
        {"$ref": "#/$defs/witness"},
    ),
}
SUMMARY: Final[Shape] = {
    "errors": _count("Errors that nobody answers for."),
    "warnings": _count("Warnings that nobody answers for."),
    "infos": _count("Further findings that nobody answers for."),
    "waived": _count("Findings of any severity that a waiver answers for."),
    "judged": _count("Contracts that were judged."),
    "contracts": _count("Contracts that there are at the head."),
}

VERSION: Final[Shape] = {"const": 1, "description": "The version of this layout."}
TOOL: Final[Shape] = {"const": "event-contracts", "description": "What wrote it."}
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LOCATION: Final = _object("A place in a file of one revision.", PLACE)
SIDE_OF_PAIR: Final = _object("One of the two schemas.", SIDE)

REPORT_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "A report of `contracts check --format json`",
    **_object(
        "What one check found. `version` goes up when a property is dropped or changes its meaning.",
        {
            "version": VERSION,
            "tool": TOOL,
            "base": _text("What was compared with: a revision as the user knows it."),
            "head": _text("What was judged: a revision, the index or the work tree."),
            "passed": _flag("Whether the run succeeds."),
            "strict": _flag("Whether warnings fail the run."),
            "summary": {"$ref": "#/$defs/summary", "description": "The numbers."},
            "judged": _list("The contracts that were judged, by name.", TEXT),
            "not_evaluated": {
                "type": "object",
                "description": "What could not be asked, a rule or a contract by name, each with the reason.",
                "additionalProperties": {"type": "string", "description": "The reason."},
            },
            "findings": _list("In the order of contracts and rules.", {"$ref": "#/$defs/finding"}),
        },
    ),
    "$defs": {
        "location": LOCATION,
        "side": SIDE_OF_PAIR,
        "mismatch": _object("Why a reader cannot read what a writer wrote.", MISMATCH),
        "witness": _object("One value, really written and really read.", WITNESS),
        "waiver": _object("A finding that somebody answers for: it is printed, and does not fail the run.", WAIVER),
        "finding": _object("One thing that is wrong.", FINDING),
        "summary": _object("The numbers of the report.", SUMMARY),
    },
}
"""Of `contracts check`. Additions keep the version: check a report against the schema of the release that wrote it."""

COMPARISON_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "The output of `contracts compare --format json`",
    **_object(
        "What one comparison found.",
        {
            "version": VERSION,
            "tool": TOOL,
            "mode": _or_null("The compatibility mode; null where a schema is none.", TEXT),
            "compatible": _flag(
                "Whether every value survives: no mismatch is a break or lossy, and no schema is none."
            ),
            "mismatches": _list("Why a reader cannot read a writer.", {"$ref": "#/$defs/mismatch"}),
            "flaws": _list("Why a schema is none; nothing was compared then.", {"$ref": "#/$defs/flaw"}),
        },
    ),
    "$defs": {
        "location": LOCATION,
        "side": SIDE_OF_PAIR,
        "mismatch": _object(
            "One reason.",
            {
                **MISMATCH,
                "message": _text("The reason in one sentence."),
                "help": FINDING["help"],
                "witness": FINDING["witness"],
            },
        ),
        "witness": _object("One value, really written and really read.", WITNESS),
        "flaw": _object(
            "One flaw of a schema by itself.",
            {name: FINDING[name] for name in ("message", "location", "help")},
        ),
    },
}
"""Of `contracts compare`."""
