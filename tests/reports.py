"""Reports made by hand for the tests of their renderings."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from registry.contract import Waiver
from registry.finding import Finding, Problem, Report, Severity
from registry.formats.mismatch import Direction, Mismatch, Pair, Step
from registry.frozen import replace
from registry.schema import Primitive, Schema
from registry.source import fixed_location

EVENT = "playconnect.content.ContentPublished"
HEAD = "contracts/content/ContentPublished.avsc"
RELEASED = f"contracts/versions/{EVENT}/2/content/ContentPublished.avsc"
HERE = fixed_location(HEAD, 12, 7, "/fields/2")
WAS = fixed_location(RELEASED, 4, 3, "/fields")
HOSTILE = "a|b\n::error::`x` <img src=y> 100%\x1b[31m @all ##[error] \u202e[z](http://z)"


def pair() -> Pair:
    schema = Schema("avro", (Primitive("string", HERE),))
    return Pair(schema, schema, Direction.BACKWARD, "v3", "v2")


def mismatch(consequence: str = "v3 fails at /currency") -> Mismatch:
    return Mismatch(
        kind="reader_field_missing_default_value",
        step=Step.BREAK,
        pair=pair(),
        reader=HERE,
        writer=WAS,
        path="/currency",
        fact="field 'currency' has no default",
        consequence=consequence,
        help=("give it a default",),
        reader_type="string",
    )


def broken(consequence: str = "v3 fails at /currency") -> Finding:
    found = mismatch(consequence)
    problem = Problem(
        HERE,
        found.message,
        help=("give it a default, or describe the step in ContentPublished.upgrade.yaml", "make a new event"),
        targets=(f"event:{EVENT}",),
        contract=EVENT,
        affects=("edge-cache", "search-index"),
        owner="content-api (#team-content)",
        related=(("v2", WAS),),
        mismatch=found,
    )
    return Finding("compat/reader-field-missing-default-value", Severity.ERROR, problem)


def plain(severity: Severity, message: str = "a schema belongs to no event") -> Finding:
    return Finding("ownership/orphan-schema", severity, Problem(fixed_location("contracts/a.avsc", 1, 1), message))


def waived(finding: Finding) -> Finding:
    place = fixed_location("ownership.yaml", 40, 5)
    waiver = Waiver(finding.rule, f"event:{EVENT}", "ADR-12", "@playconnect/arch", date(2027, 1, 31), place)
    return replace(finding, waiver=waiver)


def hostile() -> Finding:
    place = fixed_location(HOSTILE, 1, 1, HOSTILE)
    problem = Problem(
        place, HOSTILE, (HOSTILE,), (HOSTILE,), HOSTILE, (HOSTILE,), HOSTILE, ((HOSTILE, place),), mismatch(HOSTILE)
    )
    waiver = Waiver("x/y", HOSTILE, HOSTILE, HOSTILE, None, place)
    return Finding("x/y", Severity.WARNING, problem, waiver)


def report(
    *findings: Finding,
    judged: int = 3,
    contracts: int = 12,
    strict: bool = False,
    missed: Mapping[str, str] = MappingProxyType({}),
) -> Report:
    names = tuple(f"events.E{number}" for number in range(judged))
    return Report("main", "the work tree", findings, names, contracts, missed, strict)


REPORTS = {
    "nothing changed": report(judged=0),
    "nothing to say": report(),
    "an error": report(broken()),
    "a waived error": report(waived(broken())),
    "each severity": report(
        *map(plain, (Severity.ERROR, Severity.WARNING, Severity.INFO)), missed={"schema": "no protoc"}
    ),
    "hostile": report(hostile(), missed={HOSTILE: HOSTILE}),
    "bytes": report(plain(Severity.ERROR, "\udcff is no UTF-8")),
}
