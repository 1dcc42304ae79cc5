"""The texts that `contracts init` writes."""

import pytest

from registry.ownership import parse_ownership
from registry.policy import parse_policy
from registry.scaffold import guess_topics, render_ownership, render_policy


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        ("playconnect.content.ContentPublished", "content.content-published"),
        ("acme.shop.v1.OrderPlaced", "shop.order-placed"),
        ("acme.HTTPServerStarted", "acme.http-server-started"),
        ("user_signed_up", "user-signed-up"),
    ],
)
def test_a_topic_is_guessed_from_the_domain_and_the_event(event: str, topic: str) -> None:
    assert guess_topics([event]) == {event: topic}


def test_events_of_one_name_get_entities_and_topics_of_their_own() -> None:
    names = ["a.shop.v1.Placed", "a.shop.v2.Placed", "b.Other"]
    ownership = parse_ownership({"o": render_ownership(names, "s", "t")})
    assert ownership.flaws == ()
    assert {terms.event: (terms.entity, terms.topic) for terms in ownership.terms.values()} == {
        "a.shop.v1.Placed": ("a.shop.v1.Placed", "a.shop.v1.placed"),
        "a.shop.v2.Placed": ("a.shop.v2.Placed", "a.shop.v2.placed"),
        "b.Other": ("Other", "b.other"),
    }


def test_the_texts_do_not_depend_on_the_order_of_the_events() -> None:
    assert render_ownership(["b.B", "a.A"], "s", "t") == render_ownership(["a.A", "b.B"], "s", "t")


@pytest.mark.parametrize("lenient", [False, True])
def test_the_policy_has_no_flaws(lenient: bool) -> None:
    policy = parse_policy(render_policy(lenient=lenient), "policy.yaml")
    assert policy.flaws == ()
    assert dict(policy.severities) == ({"envelope": "warning"} if lenient else {})
