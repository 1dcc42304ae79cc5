"""What `contracts rollout … --format json` prints, as a JSON Schema (draft 2020-12)."""

from typing import Final

from registry.render.json_shapes import Shape, count, flag, from_one, list_of, object_of, or_null, text, word
from registry.render.report_schema import DIALECT, TEXT, TOOL, VERSION
from registry.rollout.checks import Source, Verdict
from registry.rollout.states import State

VERDICTS: Final = tuple(verdict.value for verdict in Verdict)
STATES: Final = tuple(state.value for state in State)
MOMENT: Final[Shape] = {"type": "string", "format": "date-time"}


def _moment(about: str) -> Shape:
    return {**MOMENT, "description": about}


def _versions(about: str) -> Shape:
    return list_of(about, {"type": "integer", "minimum": 1})


def _offset(about: str) -> Shape:
    return {"type": "integer", "minimum": -1, "description": about}


def _by(about: str, values: Shape) -> Shape:
    return {"type": "object", "description": about, "additionalProperties": values}


WAIVER: Final = object_of(
    "One check of one subject that somebody answers for.",
    {
        "check": text("The number of the check: `G1.3`."),
        "subject": text("`group/legacy-report`."),
        "reason": text("Why."),
        "by": text("Who answers for it."),
        "at": _moment("When it was given."),
        "expires": _moment("Until when it holds."),
        "expired": flag("Whether it holds no more."),
    },
)
CHECK: Final = object_of(
    "What a gate saw of one subject, and what it says of it.",
    {
        "number": text("`G1.3`: the gate, and its row."),
        "title": text("What must be so, in a few words."),
        "subject": text(
            "`service/S`, `instance/S/I`, `group/G`, `principal/P`, `partition/CLUSTER/TOPIC/N`, `cluster/C`, "
            "`event/E`, `environment/E` or `topic/T`."
        ),
        "verdict": word("As observed; a waiver hides nothing.", *VERDICTS),
        "passes": flag("Whether it holds up nothing: it is yes, or somebody answers for it."),
        "reason": text("One sentence with the fact."),
        "help": text("The next step; empty where there is nothing to do."),
        "source": word("Where the fact comes from, the least first.", *(source.name.lower() for source in Source)),
        "observed": or_null("When it was seen; null for what git says, which holds until git changes.", MOMENT),
        "age": or_null("Seconds from then to `at`.", {"type": "number", "minimum": 0}),
        "age_text": text("The same for people: `40 s`, `3 h`; empty for null."),
        "since": or_null("Since when it is so, where the source itself says it.", MOMENT),
        "waiver": or_null("Who answers for it; null where nobody does.", {"$ref": "#/$defs/waiver"}),
    },
)
PUBLICATION: Final = {
    "epoch": from_one("It never falls."),
    "active": from_one("The version that the owner writes."),
    "prepare": count("The version that is about to become active; 0 for none."),
    "writable": _versions("The versions that the owner may write at all."),
}
ROLLOUT: Final = object_of(
    "What the journal keeps of it.",
    {
        "since": _moment("When it came into its state."),
        "by": text("Who brought it there."),
        "epoch": count("Of its last publication."),
        "stored": _versions("Versions that may lie in a reachable log because of it."),
        "digests": _by("Version to the fingerprint that it was planned with; versions are never edited.", TEXT),
        "publication": or_null(
            "What the control topic must say; null before the first one.", {"$ref": "#/$defs/publication"}
        ),
        "switched": or_null("When the new version became active the last time.", MOMENT),
        "barrier": _by(
            "By cluster and partition.",
            {"type": "object", "additionalProperties": {"$ref": "#/$defs/mark"}},
        ),
        "waivers": list_of("All that were ever given, expired ones too.", {"$ref": "#/$defs/waiver"}),
        "reason": text("Why it was aborted, reverted, reopened or abandoned; empty otherwise."),
    },
)
MARK: Final = object_of(
    "What is known of one partition's log around the switch, as offsets; -1 stands for what is not measured.",
    {
        "start": _offset("The end of the log before the new version was prepared."),
        "committed": _offset("One past the last old record that is committed; 0 for none."),
        "everything": _offset("The same, where the records of aborted transactions count too."),
        "first_new": _offset("The first committed record of the new version; -1 for none."),
    },
)
OUTCOME: Final = object_of(
    "What the command found and did with one rollout.",
    {
        "contract": text("The full name of the event."),
        "from": from_one("The old version."),
        "to": from_one("The new version."),
        "environment": text("Where."),
        "state": or_null("Where it stands now; null where nobody has planned it.", word("A state.", *STATES)),
        "state_before": or_null("Where it stood when the command began.", word("A state.", *STATES)),
        "rollout": or_null("What the journal keeps of it; null where there is none.", {"$ref": "#/$defs/rollout"}),
        "gate": text("The gate that was looked at last: `G1`; empty where none was."),
        "verdict": or_null("What it says; null where none was looked at.", word("A verdict.", *VERDICTS)),
        "checks": list_of("All that the gate saw.", {"$ref": "#/$defs/check"}),
        "done": list_of("What was done, in order.", TEXT),
        "published": list_of("What was written to the control topic.", {"$ref": "#/$defs/control"}),
        "next": text("The command that comes next, without the program's name; empty where nothing is to be done."),
        "patch": text("An edit of ownership.yaml that a person makes into a pull request; may be empty."),
        "dry_run": flag("Whether nothing was written, by request."),
        "exit_code": count("What the command would end with, were this the only rollout."),
        "at": _moment("When the command ended, by the clock of the machine that ran it."),
    },
)

DEPLOYMENT_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "The output of `contracts can-i-deploy --format json`",
    **object_of(
        "Whether a build may start. `version` goes up when a property is dropped or changes its meaning.",
        {
            "version": VERSION,
            "tool": TOOL,
            "verb": text("`can-i-deploy`."),
            "service": text("The service that is to be deployed."),
            "environment": text("Where."),
            "verdict": word("What all checks say together.", *VERDICTS),
            "exit_code": {"enum": [0, 1, 3], "description": "0 yes, 1 no, 3 unknown."},
            "checks": list_of("All that was looked at.", {"$ref": "#/$defs/check"}),
        },
    ),
    "$defs": {"check": CHECK, "waiver": WAIVER},
}
ROLLOUT_SCHEMA: Final[Shape] = {
    "$schema": DIALECT,
    "title": "The output of `contracts rollout … --format json`",
    **object_of(
        "What one command found and did. `version` goes up when a property is dropped or changes its meaning.",
        {
            "version": VERSION,
            "tool": TOOL,
            "verb": text("The command: `switch`."),
            "environment": text("Where."),
            "exit_code": {
                "enum": list(range(5)),
                "description": "0 done or yes, 1 no, 2 could not look, 3 unknown, 4 lost.",
            },
            "rollouts": list_of("One for each rollout that was looked at.", {"$ref": "#/$defs/outcome"}),
        },
    ),
    "$defs": {
        "outcome": OUTCOME,
        "rollout": ROLLOUT,
        "publication": object_of("What was decided in git before it was published.", PUBLICATION),
        "control": object_of("A control record.", {**PUBLICATION, "stored": _versions("What may lie in the log.")}),
        "mark": MARK,
        "check": CHECK,
        "waiver": WAIVER,
    },
}
