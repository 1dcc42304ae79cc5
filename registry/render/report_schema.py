"""What `--format json` prints, as JSON Schemas (draft 2020-12)."""

from typing import Final

from registry.render.json_shapes import Shape, count, flag, from_one, list_of, object_of, or_null, part, text, word

TEXT: Final[Shape] = {"type": "string"}
PLACE: Final[Shape] = {
    "path": text("The file, relative to the top of the repository."),
    "line": from_one("The line, counted from 1."),
    "column": from_one("The column, counted from 1, in characters."),
    "pointer": text("The place inside the file as a JSON pointer (RFC 6901), by name for Protobuf; may be empty."),
}
SIDE: Final[Shape] = {
    "label": text("What it is called in the message: `v3`, `main`; of several versions the newest."),
    "type": text("The type on this side in words; empty where there is none."),
    "location": part("Where it stands.", "location"),
}
MISMATCH: Final[Shape] = {
    "kind": text("The kind in snake case; the rule of the same name in kebab case reports it."),
    "step": word(
        "`break`: reading fails or yields something else; `lossy`: only extreme values change; "
        "`source`: the bytes are fine, code or JSON changes.",
        "break",
        "lossy",
        "source",
    ),
    "direction": word("`BACKWARD`: the reader is the newer side; `FORWARD`: the writer is.", "BACKWARD", "FORWARD"),
    "path": text("The value that is hit, as field names from the event's root: `/author/name`."),
    "consequence": text("What the reader would see; empty where there is nothing to add."),
    "reader": part("The side that reads.", "side"),
    "writer": part("The side that wrote.", "side"),
}
WITNESS: Final[Shape] = {
    "sentence": text("All of it in one sentence."),
    "writer": text("What the schema is called that wrote the value."),
    "reader": text("What the schema is called that read it."),
    "bytes": text("The value as it was encoded, without any framing, in hexadecimal digits."),
    "written": text("The value that was written, as JSON text."),
    "read": text("What was read, as JSON text; empty where reading failed."),
    "failure": text("Why reading failed, with the path; empty where it did not."),
    "note": text("What is wrong with a value that was read; may be empty."),
    "reason": text("Why no value shows the mismatch; everything else is empty then, and otherwise this is."),
}
WAIVER: Final[Shape] = {
    "reason": text("Why."),
    "approved_by": text("Who answers for it."),
    "expires": or_null("The last day on which it holds (ISO 8601).", {"type": "string", "format": "date"}),
    "location": part("Where the waiver is written.", "location"),
}
FINDING: Final[Shape] = {
    "rule": text("The id of the rule: `family/what-is-wrong`."),
    "severity": word("What it does to the run, unless it is waived.", "error", "warning", "info"),
    "message": text("What is wrong, in one sentence."),
    "location": part("Where, at the head where that is possible.", "location"),
    "help": list_of("Ways out, the best one first.", TEXT),
    "contract": text("The event concerned; several are joined by commas, empty where it concerns none."),
    "affects": list_of("The services that read the event.", TEXT),
    "owner": text("The service that writes the event, with a way to reach its team; may be empty."),
    "targets": list_of("What a waiver may name: `event:NAME`, `entity:NAME`, `topic:NAME`, `file:PATH`.", TEXT),
    "related": list_of(
        "Other places that belong to it.",
        object_of("A place with what it is.", {"label": text("What it is: `v2`, `was`, `subscriber`."), **PLACE}),
    ),
    "waiver": or_null("Who answers for it; null where nobody does.", {"$ref": "#/$defs/waiver"}),
    "converted": flag("Whether declared converters (upgrade.yaml) stand between the two versions."),
    "fixable": flag("Whether `contracts check --fix` may take the first way out."),
    "mismatch": or_null(
        "Both sides, where a reader cannot read a writer; null otherwise.", {"$ref": "#/$defs/mismatch"}
    ),
    "versions": list_of("The older versions it concerns, where there are several.", TEXT),
    "witness": or_null(
        "A value that shows it, for a break or lossy mismatch (of a hundred findings); null otherwise.",
        {"$ref": "#/$defs/witness"},
    ),
}
SUMMARY: Final[Shape] = {
    "errors": count("Errors that nobody answers for."),
    "warnings": count("Warnings that nobody answers for."),
    "infos": count("Further findings that nobody answers for."),
    "waived": count("Findings of any severity that a waiver answers for."),
    "judged": count("Contracts that were judged."),
    "contracts": count("Contracts that there are at the head."),
}

VERSION: Final[Shape] = {"const": 1, "description": "The version of this layout."}
TOOL: Final[Shape] = {"const": "event-contracts", "description": "What wrote it."}
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
LOCATION: Final = object_of("A place in a file of one revision.", PLACE)
SIDE_OF_PAIR: Final = object_of("One of the two schemas.", SIDE)

REPORT_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "A report of `contracts check --format json`",
    **object_of(
        "What one check found. `version` goes up when a property is dropped or changes its meaning.",
        {
            "version": VERSION,
            "tool": TOOL,
            "base": text("What was compared with: a revision as the user knows it."),
            "head": text("What was judged: a revision, the index or the work tree."),
            "passed": flag("Whether the run succeeds."),
            "strict": flag("Whether warnings fail the run."),
            "summary": {"$ref": "#/$defs/summary", "description": "The numbers."},
            "judged": list_of("The contracts that were judged, by name.", TEXT),
            "not_evaluated": {
                "type": "object",
                "description": "What could not be asked, a rule or a contract by name, each with the reason.",
                "additionalProperties": {"type": "string", "description": "The reason."},
            },
            "findings": list_of("In the order of contracts and rules.", {"$ref": "#/$defs/finding"}),
        },
    ),
    "$defs": {
        "location": LOCATION,
        "side": SIDE_OF_PAIR,
        "mismatch": object_of("Why a reader cannot read what a writer wrote.", MISMATCH),
        "witness": object_of("One value, really written and really read.", WITNESS),
        "waiver": object_of("A finding that somebody answers for: it is printed, and does not fail the run.", WAIVER),
        "finding": object_of("One thing that is wrong.", FINDING),
        "summary": object_of("The numbers of the report.", SUMMARY),
    },
}
"""Of `contracts check`. Additions keep the version: check a report against the schema of the release that wrote it."""

COMPARISON_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "The output of `contracts compare --format json`",
    **object_of(
        "What one comparison found.",
        {
            "version": VERSION,
            "tool": TOOL,
            "mode": or_null("The compatibility mode; null where a schema is none.", TEXT),
            "compatible": flag("Whether every value survives: no mismatch is a break or lossy, and no schema is none."),
            "mismatches": list_of("Why a reader cannot read a writer.", {"$ref": "#/$defs/mismatch"}),
            "flaws": list_of("Why a schema is none; nothing was compared then.", {"$ref": "#/$defs/flaw"}),
        },
    ),
    "$defs": {
        "location": LOCATION,
        "side": SIDE_OF_PAIR,
        "mismatch": object_of(
            "One reason.",
            {
                **MISMATCH,
                "message": text("The reason in one sentence."),
                "help": FINDING["help"],
                "witness": FINDING["witness"],
            },
        ),
        "witness": object_of("One value, really written and really read.", WITNESS),
        "flaw": object_of(
            "One flaw of a schema by itself.",
            {name: FINDING[name] for name in ("message", "location", "help")},
        ),
    },
}
"""Of `contracts compare`."""
