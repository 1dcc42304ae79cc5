"""The story of examples/upgrade, parts 8 and 9 of `make demo`: two upgrades in processes, one of them breaking."""

import re

from tests.kafka_clusters import KIND
from tests.rollout_page import PAGE, fill, find_answers, find_shape, section, tell_story

READERS = ("edge-cache-eu", "edge-cache-us", "search-index-1", "personalization-1")
READ = re.compile(r"^ +(\S+) +reads (\S+) \((\w+)\) in (v\d(?:, as v\d)?)$", re.MULTILINE)


def test_two_upgrades_while_services_run() -> None:
    told = tell_story(KIND)
    read = {(slug, instance): (how, symbol) for instance, slug, symbol, how in READ.findall(told.text)}
    eu, us, search, old = READERS
    # The compatible step: nobody is deployed between the last two, but for the stuck instance.
    assert [read["still-three", each][0] for each in READERS] == ["v3, as v4", "v3", "v3, as v4", "v3"]
    assert [read["four", each][0] for each in READERS] == ["v4", "v4", "v4", "v4, as v3"]
    # The breaking one: forth, back, and forth again. The old build never learns of the new symbol.
    for article in ("five", "five-again"):
        assert [read[article, each] for each in (eu, us, search)] == [("v5", "SUBSCRIBERS")] * 3
        assert read[article, old] == ("v5, as v3", "MEMBERS")
    assert read["four-again", old] == ("v4, as v3", "MEMBERS")
    assert read["four-again", eu] == ("v4, as v5", "SUBSCRIBERS")

    refused = next(said for command, said in told.commands if " switch " in command)
    assert "instance/edge-cache/edge-cache-us" in refused and "cannot read v4" in refused
    waived = [command for command, _ in told.commands if "--waive G1.3:cluster/main" in command]
    assert len(waived) == (0 if KIND == "apache" else 2), "what a cluster can tell is never waived"
    if KIND == "apache":
        shown = section("story", PAGE.read_text("utf-8"))
        assert find_shape(fill(shown, find_answers(told))) == find_shape(shown), "write it anew: make docs"
