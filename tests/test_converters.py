"""Converters beside a head: what is none, and what no event comes through, is found before it is frozen."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from registry.check import Options, check
from registry.finding import Report, Severity
from registry.release import release
from tests.released import OWNERSHIP, PLACED, TODAY, freeze
from tests.repo import Repository

UPGRADE = "contracts/order/Placed.upgrade.yaml"
PAID = "contracts/payment/paid.proto"
PAID_UPGRADE = "contracts/payment/Paid.upgrade.yaml"
ENVELOPE = ('{"name": "correlation_id", "type": "string"}', '{"name": "schema_version", "type": "int"}')
ID = '{"name": "order_id", "type": "string"}'
CENTS = '{"name": "amount_cents", "type": "long"}'
AMOUNT = '{"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 2}}'
SCALE = "up: [{scale: {field: amount_cents, to: amount, by: 0.01}}]\n"


def avro(*fields: str) -> str:
    return f'{{"type": "record", "name": "Placed", "namespace": "shop", "fields": [{", ".join((*ENVELOPE, *fields))}]}}'


def proto(*fields: str) -> str:
    own = " ".join(("string correlation_id = 1;", "int32 schema_version = 2;", *fields))
    return f'syntax = "proto3"; package shop; message Paid {{ {own} }}\n'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """One version of an event of each language."""
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    made = Repository(tmp_path / "repository")
    unpinned = OWNERSHIP.replace("{service: billing, reads: [1, 2]}", "billing").replace(
        "key: order_id", "key: order_id"
    )
    made.write({"ownership.yaml": unpinned.replace("      shop.Cancelled: {}\n", "")})
    made.write({"CODEOWNERS": "* @shop/sales\n", PLACED: avro(ID, CENTS)})
    made.write({PAID: proto("string order_id = 3;", "int64 cents = 4;")})
    freeze(made, "shop.Placed", "shop.Paid")
    made.commit("one", {})
    return made


def judge(repository: Repository) -> Report:
    return check(repository.path, Options(against="HEAD"), os.environ, TODAY)


def found(report: Report) -> list[str]:
    return [
        f"{finding.problem.location}: {finding.problem.message}"
        for finding in report.findings
        if finding.rule == "versions/invalid-converters"
    ]


def breaks(report: Report) -> Sequence[Severity]:
    return [finding.severity for finding in report.findings if finding.rule.startswith("compat/")]


NO_DOCUMENT = [
    ("", "1:1: the document is empty"),
    ("garbage: 1\n", "1:1: unknown key 'garbage'"),
    ("up: [{rename: {a: b}}\n", "2:1: "),
    ("up:\n  - swap: {field: note}\n", "2:5: "),
]


@pytest.mark.parametrize(("text", "message"), NO_DOCUMENT)
def test_what_is_no_document_covers_no_break_and_is_an_error(repository: Repository, text: str, message: str) -> None:
    repository.write({PLACED: avro(ID, AMOUNT), UPGRADE: text})
    report = judge(repository)
    (line,) = found(report)
    assert line.startswith(f"{UPGRADE}:{message}")
    assert breaks(report) == [Severity.ERROR]
    assert not any(finding.problem.converted for finding in report.findings)


@pytest.mark.parametrize("text", ["", "up: [{rename: {amount_sents: amount}}]\n"])
def test_a_release_of_such_a_document_is_refused(repository: Repository, text: str) -> None:
    repository.write({PLACED: avro(ID, AMOUNT), UPGRADE: text})
    done = release(repository.path, ["shop.Placed"], root="contracts", environment=os.environ, today=TODAY)
    assert not done.report.passed
    assert found(done.report)
    assert not (repository.path / "contracts/versions/shop.Placed/2").exists()


def test_a_document_that_says_nothing_new_breaks_nothing_and_is_still_judged(repository: Repository) -> None:
    repository.write({UPGRADE: "nonsense\n"})
    assert found(judge(repository)) != []


def test_converters_that_lead_from_one_to_the_other_and_back_are_silent(repository: Repository) -> None:
    repository.write({PLACED: avro(ID, AMOUNT), UPGRADE: SCALE})
    report = judge(repository)
    assert found(report) == []
    assert report.passed
    assert breaks(report) == [Severity.INFO]


def test_what_converters_answer_for_comes_without_a_way_out(repository: Repository) -> None:
    repository.write({PLACED: avro(ID, AMOUNT), UPGRADE: SCALE})
    (finding,) = (each for each in judge(repository).findings if each.problem.converted)
    assert finding.problem.help == ()
    repository.write({UPGRADE: None})
    (finding,) = (each for each in judge(repository).findings if each.rule.startswith("compat/"))
    assert finding.problem.help[-1] == "describe the step in Placed.upgrade.yaml"


FAILURES = [
    # a field that the older version has not
    (
        avro(ID, AMOUNT),
        "up:\n  - rename: {amount_sents: amount}\n",
        "2:14: law types: v1 has no field 'amount_sents'",
    ),
    # a field of the newer version that nothing brings
    (
        avro(ID, AMOUNT, '{"name": "by", "type": "string"}'),
        SCALE,
        "1:1: law types: nothing brings 'by' of v2, which has no default",
    ),
    # a value that is none of the newer field's, whatever it is
    (
        avro(ID, AMOUNT),
        "up: [{rename: {amount_cents: amount}}]\n",
        "1:16: law types: 'amount' is a long here, and a decimal in v2",
    ),
    # there and not back
    (
        avro(ID, AMOUNT),
        "up: [{scale: {field: amount_cents, to: amount, by: 0.01}}]\ndown: [{rename: {amount: amount_cent}}]\n",
        "2:18: law types: v1 has no field 'amount_cent'",
    ),
]


@pytest.mark.parametrize(("head", "text", "message"), FAILURES)
def test_what_no_event_comes_through_is_an_error(repository: Repository, head: str, text: str, message: str) -> None:
    repository.write({PLACED: head, UPGRADE: text})
    (line,) = found(judge(repository))
    assert line.startswith(f"{UPGRADE}:{message}")


def test_where_there_is_no_way_back_none_is_tried(repository: Repository) -> None:
    text = "up: [{scale: {field: amount_cents, to: amount, by: 0.01}}]\ndown: none\n"
    repository.write({PLACED: avro(ID, AMOUNT), UPGRADE: text})
    assert found(judge(repository)) == []


def test_values_that_one_version_cannot_express_are_no_mistake_of_the_shape(repository: Repository) -> None:
    """Most texts are no uuid, and a declared case holds every event."""
    head = avro(ID.replace('"string"', '{"type": "string", "logicalType": "uuid"}'), CENTS)
    convert = "up: [{convert: {field: order_id, from: string, as: uuid}}]\n"
    hold = "unrepresentable: {up: [{when: {amount_cents: {not: 5}}, then: hold}]}\n"
    repository.write({PLACED: head, UPGRADE: convert + hold})
    assert found(judge(repository)) == []


def test_an_optional_part_is_looked_into(repository: Repository) -> None:
    inner = '{{"name": "by", "type": ["null", {{"type": "record", "name": "By", "fields": [{}]}}], "default": null}}'
    older = avro(ID, inner.format('{"name": "nick", "type": "string"}'))
    newer = avro(ID, inner.format('{"name": "name", "type": "string"}'))
    repository.write({PLACED: older, UPGRADE: "up: [{drop: {field: amount_cents, value: 0}}]\n"})
    (finding,) = (each for each in judge(repository).findings if each.rule == "versions/invalid-converters")
    assert finding.problem.message == "law types: on the way down nothing takes 'by' of v2, which v1 does not have"
    assert finding.problem.help == (
        "an operation must take it, or `loss: {down: [{field: by, because: …}]}`, or say `down: none`",
    )
    repository.write({UPGRADE: "up: [{drop: {field: amount_cents, value: 0}}]\nloss: {down: [{field: by}]}\n"})
    freeze(repository, "shop.Placed")
    repository.commit("two", {})
    repository.write({PLACED: newer, UPGRADE: "up: [{rename: {by/nick: by/name}}]\n"})
    assert found(judge(repository)) == []
    repository.write({UPGRADE: "up: [{rename: {by/nic: by/name}}]\n"})
    (line,) = found(judge(repository))
    assert line.endswith("law types: 'by' of v2 has no field 'nic'")


def test_protobuf_is_tried_out_as_well(repository: Repository) -> None:
    repository.write({PAID: proto("string order_id = 3;", "string amount = 4;")})
    repository.write({PAID_UPGRADE: "up: [{rename: {cent: amount}}]\n"})
    (line,) = found(judge(repository))
    assert line.startswith(f"{PAID_UPGRADE}:1:16: law types: v1 has no field 'cent'")
    repository.write({PAID_UPGRADE: "up: [{convert: {field: cents, to: amount, from: int, as: string}}]\n"})
    assert found(judge(repository)) == []
