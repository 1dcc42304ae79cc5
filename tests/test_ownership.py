"""ownership.yaml: what is drawn is read whole, every claim is kept with its place, every misfit is a flaw."""

import gc
from datetime import date

import jsonschema
import pytest

from registry.contract import Ownership
from registry.ownership import OWNERSHIP, find_includes, match_include, parse_ownership
from registry.schema import CompatibilityMode
from registry.shape import render_json_schema
from tests.editor import as_an_editor_reads

WHOLE = """\
version: 1
include: ["contracts/*/ownership.yaml"]
defaults: {compatibility: FULL}
teams:
  content: {github: "@playconnect/content", contacts: ["#team-content"], members: [ann, no]}
services:
  content-api: {team: content, principal: "User:content-api", groups: ["content-api"]}
  edge-cache: {}
entities:
  ContentItem:
    owner: content-api
    topic: content.items
    key: content_id
    events:
      playconnect.content.ContentPublished:
        writes: [1, 2]
        subscribers: [{service: edge-cache, reads: [1, 2]}, {service: search-index, fields: [content_id, title]}, no]
        retired: [3]
        compatibility: FULL_TRANSITIVE
        deprecated: {since: 2026-09-01, replaced_by: playconnect.content.ContentReleased}
      playconnect.content.ContentReleased: {}
transfers:
  - {entity: CartItem, from: commerce-engine, to: cart-service, since: 2026-12-01, phase: prepared}
retired_events: [playconnect.content.Gone]
waivers:
  - {rule: ownership/second-writer, target: "topic:outcomes", reason: "ADR-12", approved_by: "@playconnect/arch",
     expires: 2027-01-31}
"""


def read(text: str, **others: str) -> Ownership:
    return parse_ownership({"ownership.yaml": text, **{f"{name}/ownership.yaml": of for name, of in others.items()}})


def flaws(ownership: Ownership) -> list[str]:
    assert all(flaw.kind == "invalid" and flaw.help for flaw in ownership.flaws)
    return [f"{flaw.location} {flaw.message}" for flaw in ownership.flaws]


def claims(ownership: Ownership) -> list[str]:
    return [f"{claim.at} {claim.target} by {claim.owner}" for claim in ownership.claims]


def entity(owner: str, name: str = "Item", topic: str = "items", event: str = "a.B") -> str:
    return f"version: 1\nentities:\n  {name}:\n    owner: {owner}\n    topic: {topic}\n    events: {{{event}: {{}}}}\n"


def test_the_whole_of_the_drawn_file_is_read() -> None:
    ownership = read(WHOLE)
    assert ownership.flaws == ()
    assert ownership.present

    team = ownership.teams["content"]
    assert (team.github, team.contacts, team.members) == ("@playconnect/content", ("#team-content",), ("ann", "no"))
    service = ownership.services["content-api"]
    assert (service.team, service.principal, service.groups) == ("content", "User:content-api", ("content-api",))
    assert ownership.services["edge-cache"].team == ""

    item = ownership.entities["ContentItem"]
    assert (item.topic, item.key) == ("content.items", "content_id")
    assert [owner for owner, _ in item.owners] == ["content-api"]

    terms = ownership.terms["playconnect.content.ContentPublished"]
    assert (terms.entity, terms.owner) == ("ContentItem", "content-api")
    assert (terms.topic, terms.key) == ("content.items", "content_id")
    assert (terms.writes, terms.retired, terms.compatibility) == ((1, 2), (3,), CompatibilityMode.FULL_TRANSITIVE)
    assert (terms.deprecated_since, terms.replaced_by) == (date(2026, 9, 1), "playconnect.content.ContentReleased")
    assert [(reader.service, reader.reads, reader.fields) for reader in terms.subscribers] == [
        ("edge-cache", (1, 2), ()),
        ("search-index", (), ("content_id", "title")),
        ("no", (), ()),
    ]

    (transfer,) = ownership.transfers
    assert (transfer.entity, transfer.giver, transfer.taker) == ("CartItem", "commerce-engine", "cart-service")
    assert (transfer.since, transfer.phase) == (date(2026, 12, 1), "prepared")
    (waiver,) = ownership.waivers
    assert (waiver.rule, waiver.target, waiver.reason) == ("ownership/second-writer", "topic:outcomes", "ADR-12")
    assert (waiver.approved_by, waiver.expires) == ("@playconnect/arch", date(2027, 1, 31))
    assert ownership.retired_events == ("playconnect.content.Gone",)


def test_everything_knows_its_place() -> None:
    ownership = read(WHOLE)
    item = ownership.entities["ContentItem"]
    terms = ownership.terms["playconnect.content.ContentPublished"]
    assert str(ownership.at) == "ownership.yaml:1:1"
    assert str(ownership.teams["content"].at) == "ownership.yaml:5:3"
    assert str(ownership.services["edge-cache"].at) == "ownership.yaml:8:3"
    assert str(item.at) == "ownership.yaml:10:3"
    assert str(item.topic_at) == "ownership.yaml:12:12"
    assert str(item.owners[0][1]) == str(terms.owner_at) == "ownership.yaml:11:12"
    assert str(terms.at) == "ownership.yaml:15:7"
    assert terms.at.pointer == "/entities/ContentItem/events/playconnect.content.ContentPublished"
    assert str(terms.compatibility_at) == "ownership.yaml:19:24"
    assert [str(reader.at) for reader in terms.subscribers] == [f"ownership.yaml:17:{at}" for at in (23, 61, 115)]
    assert str(ownership.transfers[0].at) == "ownership.yaml:23:5"
    assert str(ownership.waivers[0].at) == "ownership.yaml:26:5"


def test_the_default_mode_holds_where_an_event_names_none() -> None:
    event = "playconnect.content.ContentReleased"
    assert read(WHOLE).terms[event].compatibility is CompatibilityMode.FULL
    assert read(WHOLE).terms[event].compatibility_at is None
    assert read(entity("a")).terms["a.B"].compatibility is CompatibilityMode.BACKWARD_TRANSITIVE


def test_no_file_is_no_ownership_and_no_flaw() -> None:
    ownership = parse_ownership({})
    assert not ownership.present
    assert ownership.flaws == ()
    assert str(ownership.at) == "ownership.yaml:1:1"


def test_one_owner_claims_its_entity_its_topic_and_its_events() -> None:
    assert claims(read(entity("content-api"))) == [
        "ownership.yaml:4:12 entity:Item by content-api",
        "ownership.yaml:5:12 topic:items by content-api",
        "ownership.yaml:6:14 event:a.B by content-api",
    ]


@pytest.mark.parametrize(
    ("owner", "second"), [("[ann, ben]", "4:18"), ("ann\n    owner: ben", "5:12")], ids=["a list", "a second key"]
)
def test_a_second_owner_is_a_claim_with_its_place_and_no_flaw(owner: str, second: str) -> None:
    ownership = read(entity(owner))
    assert ownership.flaws == ()
    assert [name for name, _ in ownership.entities["Item"].owners] == ["ann", "ben"]
    assert claims(ownership)[1] == f"ownership.yaml:{second} entity:Item by ben"
    assert ownership.terms["a.B"].owner == "ann"


@pytest.mark.parametrize(("owner", "second"), [("[ann, ann]", "4:18"), ("ann\n    owner: ann", "5:12")])
def test_the_same_owner_twice_is_a_flaw_because_no_rule_would_tell(owner: str, second: str) -> None:
    told = f"ownership.yaml:{second} 'ann' is named again as owner of 'Item'; the first is at ownership.yaml:4:"
    assert [flaw.startswith(told) for flaw in flaws(read(entity(owner)))] == [True]


def test_an_entity_of_two_owners_in_two_files_is_two_claims_and_no_flaw() -> None:
    ownership = read(entity("ann"), shop=entity("ben", event="a.C"))
    assert ownership.flaws == ()
    assert [name for name, _ in ownership.entities["Item"].owners] == ["ann", "ben"]
    assert "shop/ownership.yaml:4:12 entity:Item by ben" in claims(ownership)
    assert set(ownership.terms) == {"a.B", "a.C"}
    assert ownership.terms["a.C"].owner == "ben"


def test_an_entity_of_two_owners_in_one_file_is_two_claims_in_the_order_of_the_file() -> None:
    text = entity("ann") + "  Other: {owner: cas}\n" + "  Item: {owner: ben}\n"
    ownership = read(text)
    assert ownership.flaws == ()
    assert [claim.owner for claim in ownership.claims if claim.target.startswith("entity:")] == ["ann", "cas", "ben"]
    assert str(ownership.claims[-1].at) == "ownership.yaml:8:17"


@pytest.mark.parametrize("again", [entity("ann"), "version: 1\nentities: {Item: {}}\n"], ids=["same", "nobody"])
def test_an_entity_described_twice_without_a_second_owner_is_a_flaw_that_names_both_places(again: str) -> None:
    (told,) = [flaw for flaw in flaws(read(entity("ann"), shop=again)) if "entity" in flaw]
    assert told.startswith("shop/ownership.yaml:")
    assert "the entity 'Item' is described a second time; the first is at ownership.yaml:3:3" in told


def test_a_topic_of_two_owners_is_two_claims() -> None:
    ownership = read(entity("ann"), shop=entity("ben", name="Cart", event="a.C"))
    assert ownership.flaws == ()
    assert [claim.owner for claim in ownership.claims if claim.target == "topic:items"] == ["ann", "ben"]


def test_an_event_under_two_entities_is_two_claims_and_its_first_terms_hold() -> None:
    ownership = read(entity("ann"), shop=entity("ben", name="Cart", topic="carts"))
    assert ownership.flaws == ()
    assert [claim.owner for claim in ownership.claims if claim.target == "event:a.B"] == ["ann", "ben"]
    assert ownership.terms["a.B"].entity == "Item"


def test_an_event_under_two_entities_of_one_owner_is_two_claims_too() -> None:
    ownership = read(entity("ann"), shop=entity("ann", name="Cart", topic="carts"))
    assert ownership.flaws == ()
    assert [claim.target for claim in ownership.claims].count("event:a.B") == 2


def test_an_event_described_again_by_nobody_is_a_flaw_because_there_is_no_second_claim() -> None:
    assert flaws(read(entity("ann"), shop="version: 1\nentities: {Cart: {events: {a.B: {}}}}")) == [
        "shop/ownership.yaml:2:28 the event 'a.B' is described a second time; the first is at ownership.yaml:6:14"
    ]


def test_an_entity_without_owner_claims_nothing_and_its_events_have_none() -> None:
    ownership = read("version: 1\nentities: {Item: {topic: items, events: {a.B: {}}}}\n")
    assert ownership.flaws == ()
    assert ownership.claims == ()
    assert ownership.terms["a.B"].owner == ""
    assert ownership.terms["a.B"].owner_at == ownership.entities["Item"].at


def test_included_files_are_merged() -> None:
    other = "version: 1\nteams: {shop: {}}\nservices: {cart: {team: shop}}\nretired_events: [x.Y]\n"
    ownership = read(WHOLE, shop=other)
    assert ownership.flaws == ()
    assert set(ownership.teams) == {"content", "shop"}
    assert ownership.services["cart"].at.path == "shop/ownership.yaml"
    assert ownership.retired_events == ("playconnect.content.Gone", "x.Y")


def test_the_default_of_the_top_file_holds_in_included_files() -> None:
    ownership = read("version: 1\ndefaults: {compatibility: NONE}\n", shop=entity("ann"))
    assert ownership.terms["a.B"].compatibility is CompatibilityMode.NONE


@pytest.mark.parametrize(("key", "what"), [("teams", "team"), ("services", "service")])
def test_a_name_in_two_files_is_a_flaw_with_both_places_and_the_first_is_kept(key: str, what: str) -> None:
    ownership = read(f"version: 1\n{key}:\n  x: {{}}\n", shop=f"version: 1\n{key}: {{x: {{}}}}\n")
    assert flaws(ownership) == [
        f"shop/ownership.yaml:2:{len(key) + 4} the {what} 'x' is described a second time; "
        "the first is at ownership.yaml:3:3"
    ]
    assert getattr(ownership, key)["x"].at.path == "ownership.yaml"


def test_includes_and_defaults_stand_only_in_the_top_file() -> None:
    other = "version: 1\ninclude: []\ndefaults: {compatibility: NONE}\n"
    assert flaws(read("version: 1", shop=other)) == [
        "shop/ownership.yaml:2:1 'include' can stand only in ownership.yaml",
        "shop/ownership.yaml:3:1 'defaults' can stand only in ownership.yaml",
    ]


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("shop/owners.yaml", "the included file 'shop/owners.yaml' is not there"),
        ("../shop/*.yaml", "the pattern '../shop/*.yaml' leads out of the repository"),
        ("/shop/*.yaml", "the pattern '/shop/*.yaml' leads out of the repository"),
    ],
)
def test_an_include_that_can_mean_no_file_is_a_flaw(pattern: str, told: str) -> None:
    assert flaws(read(f"version: 1\ninclude: ['{pattern}']\n")) == [f"ownership.yaml:2:10 {told}"]


def test_an_include_is_silent_where_its_file_is_there_or_it_is_a_glob() -> None:
    assert flaws(read("version: 1\ninclude: [shop/ownership.yaml, 'x/*.yaml']\n", shop="version: 1")) == []


def test_the_patterns_of_include_are_found() -> None:
    assert find_includes(WHOLE, "ownership.yaml") == ("contracts/*/ownership.yaml",)
    assert find_includes("version: 1", "ownership.yaml") == ()
    assert find_includes("include: [", "ownership.yaml") == ()


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("contracts/*/ownership.yaml", "contracts/shop/ownership.yaml"),
        ("./contracts/*.yaml", "contracts/shop.yaml"),
        ("contracts/**/ownership.yaml", "contracts/ownership.yaml"),
        ("contracts/**/ownership.yaml", "contracts/a/b/ownership.yaml"),
        ("**/ownership.yaml", "ownership.yaml"),
        ("contracts/**", "contracts/a/b.yaml"),
        ("a?c.yaml", "abc.yaml"),
        ("größe/a[1]*.yaml", "größe/a[1] ä.yaml"),
    ],
)
def test_an_include_means(pattern: str, path: str) -> None:
    assert match_include(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("contracts/*/ownership.yaml", "contracts/ownership.yaml"),
        ("contracts/*/ownership.yaml", "contracts/a/b/ownership.yaml"),
        ("contracts/**/ownership.yaml", "contracts/a/my-ownership.yaml"),
        ("*.yaml", "contracts/a.yaml"),
    ],
)
def test_an_include_does_not_mean(pattern: str, path: str) -> None:
    assert not match_include(pattern, path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("teams: {}\n", "1:1 the key 'version' is missing"),
        ("version: 2\nnew: 1\nold: 2\n", "1:10 version 2 is not known: this tool reads 1"),
        ("version: 1\nteams: {a: {}, a: {}}\n", "2:16 the key 'a' stands here again; the first is in line 2, column 9"),
        ("version: 1\nservices:\n\ta: {}\n", "3:1 a tab stands where YAML takes only spaces"),
        ("version: 1\nservice: {}\n", "2:1 the key 'service' is not known here"),
        ("version: 1\nentities: []\n", "2:11 'entities' must be a mapping by name; here is a list"),
        ("version: 1\nentities: {A: {owner: {}}}\n", "2:23 'owner' must be text; here is a mapping of keys"),
        ("version: 1\nentities: {A: {owner: }}\n", "2:23 'owner' must be text; here is nothing"),
        (
            "version: 1\ndefaults: {compatibility: BACKWRD}\n",
            "2:27 'compatibility' must be one of NONE, BACKWARD, FORWARD, FULL, BACKWARD_TRANSITIVE, "
            "FORWARD_TRANSITIVE, FULL_TRANSITIVE; here is BACKWRD",
        ),
        (
            "version: 1\nentities: {A: {events: {a.B: {writes: [0]}}}}\n",
            "2:40 item 1 must be a whole number, 1 to 2147483647; here is 0",
        ),
        ("version: 1\nentities: {A: {events: {a.B: {writes: 1}}}}\n", "2:39 'writes' must be a list; here is 1"),
        (
            "version: 1\nentities: {A: {events: {a.B: {subscribers: [{reads: [1]}]}}}}\n",
            "2:45 the key 'service' is missing",
        ),
        ("version: 1\nentities: {A: {events: {a.B: {deprecated: {}}}}}\n", "2:31 the key 'since' is missing"),
        (
            "version: 1\ntransfers: [{entity: A, from: a, to: b, since: 2026-12-01, phase: dual-grant}]\n",
            "2:67 'phase' must be one of prepared, dual_grant, done; here is dual-grant",
        ),
        ("version: 1\nwaivers: [{rule: a/b}]\n", "2:11 the key 'target' is missing"),
        (
            "version: 1\nwaivers: [{rule: a/b, target: 'event:x', expires: soon}]\n",
            "2:51 'expires' must be a day of the calendar; here is soon",
        ),
    ],
)
def test_a_flaw_has_its_place_and_the_json_schema_refuses_the_file_too(text: str, told: str) -> None:
    assert flaws(read(text)) == [f"ownership.yaml:{told}"]
    if "again" not in told and "tab" not in told:  # neither reaches a JSON Schema
        with pytest.raises(jsonschema.ValidationError):
            validate(text)


def test_what_is_flawed_is_left_out_and_the_rest_is_read() -> None:
    text = "version: 1\nentities: {A: {owner: ann, events: {a.B: {writes: [0, 2], subscribers: [{}, x], retired: 3}}}}"
    terms = read(text).terms["a.B"]
    assert (terms.writes, terms.retired) == ((2,), ())
    assert [reader.service for reader in terms.subscribers] == ["x"]


@pytest.mark.parametrize(
    "rest", ["", ", reason: '', approved_by: ''", ", reason: ' '", ", reason: , approved_by: , expires: "]
)
def test_a_waiver_without_reason_approver_or_end_is_left_to_a_rule(rest: str) -> None:
    text = f"version: 1\nwaivers: [{{rule: a/b, target: 'event:x'{rest}}}]\n"
    ownership = read(text)
    assert ownership.flaws == ()
    (waiver,) = ownership.waivers
    assert (waiver.reason, waiver.approved_by, waiver.expires) == ("", "", None)
    validate(text)


@pytest.mark.parametrize("text", [WHOLE, entity("ann"), "version: 1"])
def test_the_json_schema_accepts_what_is_read(text: str) -> None:
    assert read(text).flaws == ()
    validate(text)


def test_the_json_schema_wants_one_owner_though_the_reader_leaves_that_to_a_rule() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(entity("[ann, ben]"))


def test_the_json_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(render_json_schema(OWNERSHIP, "ownership.yaml"))


def validate(text: str) -> None:
    schema = render_json_schema(OWNERSHIP, "ownership.yaml")
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    jsonschema.Draft202012Validator(schema, format_checker=checker).validate(as_an_editor_reads(text))


def test_five_thousand_events_are_read() -> None:
    events = "".join(
        f"      a.Event{number}: {{writes: [1], subscribers: [x, {{service: y, reads: [1]}}]}}\n"
        for number in range(5000)
    )
    ownership = read(f"version: 1\nentities:\n  A:\n    owner: ann\n    events:\n{events}")
    assert ownership.flaws == ()
    assert len(ownership.terms) == 5000
    assert str(ownership.terms["a.Event4999"].subscribers[1].at) == "ownership.yaml:5005:51"


def test_the_garbage_collector_is_left_as_it_was() -> None:
    assert gc.isenabled()
    read(WHOLE)
    assert gc.isenabled()
    gc.disable()
    try:
        read(WHOLE)
        assert not gc.isenabled()
    finally:
        gc.enable()
