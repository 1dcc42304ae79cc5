"""The report, and a comparison, for programs; :mod:`registry.render.report_schema` says what each property means."""

import json
from typing import Final

from registry.compatibility import Comparison
from registry.contract import Waiver
from registry.finding import Finding, Report, Severity
from registry.formats.mismatch import Mismatch
from registry.formats.witness import Witness
from registry.source import Location

VERSION: Final = 1
"""Of the layout. It goes up when a property is dropped or changes its meaning, not when one is added."""

Json = dict[str, object]


def render_json(report: Report) -> str:
    """One JSON document in ASCII, so that a path of any bytes and a terminal of any encoding get along."""
    return _dump(_report(report))


def render_comparison(comparison: Comparison | None, report: Report) -> str:
    """What `contracts compare` found; without a comparison a schema was none, and the report's findings say why."""
    found = report.findings if comparison else ()
    flaws = report.findings if comparison is None else ()
    return _dump(
        {
            "version": VERSION,
            "tool": "event-contracts",
            "mode": comparison.mode.value if comparison else None,
            "compatible": comparison is not None and comparison.compatible,
            "mismatches": [
                {
                    **_mismatch(mismatch),
                    "message": mismatch.message,
                    "help": list(mismatch.help),
                    "witness": _witness(finding.witness) if finding.witness else None,
                }
                for finding in found
                if (mismatch := finding.problem.mismatch)
            ],
            "flaws": [_flaw(finding) for finding in flaws],
        }
    )


def _dump(document: Json) -> str:
    return json.dumps(document, indent=2) + "\n"


def _flaw(finding: Finding) -> Json:
    problem = finding.problem
    return {"message": problem.message, "location": _location(problem.location), "help": list(problem.help)}


def _report(report: Report) -> Json:
    return {
        "version": VERSION,
        "tool": "event-contracts",
        "base": report.base,
        "head": report.head,
        "passed": report.passed,
        "strict": report.strict,
        "summary": {
            "errors": report.count(Severity.ERROR),
            "warnings": report.count(Severity.WARNING),
            "infos": report.count(Severity.INFO),
            "waived": sum(finding.waiver is not None for finding in report.findings),
            "judged": len(report.judged),
            "contracts": report.contracts,
        },
        "judged": list(report.judged),
        "not_evaluated": dict(report.not_evaluated),
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> Json:
    problem = finding.problem
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "message": problem.message,
        "location": _location(problem.location),
        "help": list(problem.help),
        "contract": problem.contract,
        "affects": list(problem.affects),
        "owner": problem.owner,
        "targets": list(problem.targets),
        "related": [{"label": label, **_location(location)} for label, location in problem.related],
        "waiver": _waiver(finding.waiver) if finding.waiver else None,
        "converted": problem.converted,
        "fixable": finding.fixable,
        "mismatch": _mismatch(problem.mismatch) if problem.mismatch else None,
        "versions": list(problem.versions),
        "witness": _witness(finding.witness) if finding.witness else None,
    }


def _location(location: Location) -> Json:
    line, column = location.find(location.pointer)
    return {"path": location.path, "line": line, "column": column, "pointer": location.pointer}


def _waiver(waiver: Waiver) -> Json:
    return {
        "reason": waiver.reason,
        "approved_by": waiver.approved_by,
        "expires": waiver.expires.isoformat() if waiver.expires else None,
        "location": _location(waiver.at),
    }


def _mismatch(mismatch: Mismatch) -> Json:
    pair = mismatch.pair
    return {
        "kind": mismatch.kind,
        "step": mismatch.step.value,
        "direction": mismatch.direction.value,
        "path": mismatch.path,
        "consequence": mismatch.consequence,
        "reader": _side(pair.reader_label, mismatch.reader_type, mismatch.reader),
        "writer": _side(pair.writer_label, mismatch.writer_type, mismatch.writer),
    }


def _witness(witness: Witness) -> Json:
    return {
        "sentence": witness.sentence,
        "writer": witness.writer,
        "reader": witness.reader,
        "bytes": witness.data.hex(),
        "written": witness.written,
        "read": witness.read,
        "failure": witness.failure,
        "note": witness.note,
        "reason": witness.reason,
    }


def _side(label: str, type_: str, location: Location) -> Json:
    return {"label": label, "type": type_, "location": _location(location)}
