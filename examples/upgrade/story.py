"""One event is upgraded twice in production, while services run: a compatible step, and a breaking one.

content-api writes articles; edge-cache (two instances) and search-index read them and learn each version, while
personalization stays on its first build. All of it is real: a repository with a remote, processes, a Kafka, and
`contracts rollout`. `python story.py [mock|apache]`.
"""

import json
import shlex
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep

from company import Clone, Instance, say

from registry.brokers import kind_of

EVENT = "playconnect.content.ContentPublished"
SCHEMA = "contracts/content/ContentPublished.avsc"
TITLE = '    {"name": "title", "type": "string", "doc": "Headline, as plain text."},\n'
SUBTITLE = '    {"name": "subtitle", "type": ["null", "string"], "default": null, "doc": "Second line of it."},\n'
POLICY = """
environments:
  production:
    clusters: [{{name: main, brokers: "{broker}"}}]
    acls: none              # no authorizer on this laptop
    heartbeat: 1s           # a story is short: in earnest these are 10s, 5s, 7d and 7d
    margin: 1s
    quiet: 0s
    revert_window: 0s
"""
CONVERTERS = """\
up:                                   # version 4 -> version 5; the way down is derived
  - rename: {slug: url_slug}
  - enum:   {field: visibility, map: {MEMBERS: SUBSCRIBERS}}
"""
BREAKING = (('"slug"', '"url_slug"'), ('"MEMBERS"', '"SUBSCRIBERS"'))
PINS = {
    "content-api": "        writes: {writes}\n",
    "edge-cache": "          - {{service: edge-cache, reads: {reads}}}\n",
    "search-index": "          - {{service: search-index, reads: {reads}, ",
    "personalization": "          - {{service: personalization, reads: [1, 2, 3], served: true, ",
}
BEFORE = {
    "content-api": "        writes: [2, 3]\n",
    "edge-cache": "          - {service: edge-cache, reads: [1, 2, 3]}\n",
    "search-index": "          - {service: search-index, reads: [1, 2, 3], ",
    "personalization": "          - {service: personalization, reads: [1, 2, 3], ",
}
PARTITIONS = 2
UNTOLD = frozenset({"cluster/main", "groups/main"})
"""What the mock cannot tell of."""
LONGEST = 30.0
"""Seconds until all readers have an article."""


class Story:
    """The company and its instances."""

    def __init__(self, clone: Clone, broker: str, untold: frozenset[str], ends: ExitStack) -> None:
        self.clone = clone
        self._untold = untold
        self.owner = Instance(clone, broker, "content-api-1")
        self.edge = [Instance(clone, broker, f"edge-cache-{where}", f"edge-cache-{where}") for where in ("eu", "us")]
        self.search = Instance(clone, broker, "search-index-1", "search-index")
        self.old = Instance(clone, broker, "personalization-1", "personalization")
        self._pins = dict(BEFORE)
        for instance in self.instances:
            ends.callback(instance.kill)

    @property
    def instances(self) -> list[Instance]:
        return [self.owner, *self.readers]

    @property
    def readers(self) -> list[Instance]:
        return [*self.edge, self.search, self.old]

    def rollout(self, verb: str, *words: str, expect: int = 0) -> None:
        """A verb of the rollout, as it is typed."""
        command = ["contracts", "rollout", verb, "ContentPublished", "--env", "production", *words]
        self.clone.run(shlex.join(command), expect)

    def pin(self, reads: list[int], writes: list[int]) -> None:
        """What ownership.yaml says of the next builds."""
        pins = {service: text.format(reads=reads, writes=writes) for service, text in PINS.items()}
        self.clone.edit(
            "ownership.yaml", *((self._pins[each], pins[each]) for each in pins if pins[each] != self._pins[each])
        )
        self._pins = pins

    def build(self, number: int) -> None:
        """The next build of those who learn."""
        for service in ("content-api", "edge-cache", "search-index", *(["personalization"] if number == 1 else [])):
            self.clone.build(service, number)

    def deploy(self, build: int, *instances: Instance) -> None:
        """Restart instances, one after the other, and record it as CI does."""
        for instance in instances:
            instance.deploy(build)
        for service in dict.fromkeys(each.service for each in instances):
            self.clone.ask(f"contracts deployed --service {service} --env production --build {build}")
        say(f"  deployed: build {build} of {', '.join(each.name for each in instances)}")

    def publish(self, title: str) -> None:
        """An article, until each reader has it."""
        self.owner.tell(title)
        line = f"reads {title.lower().replace(' ', '-')} "
        wait(lambda: all(each.has_said(line) for each in self.readers), f"{title!r} everywhere")

    def pass_gate(self, verb: str, *, shown: bool = False) -> None:
        """A verb with a gate. What this cluster cannot tell somebody answers for, by name and with a reason."""
        wait(lambda: self.find_missing().keys() <= self._untold, f"nothing but the mock holds up {verb}")
        missing = self.find_missing().items()
        waived = [word for subject, number in missing for word in ("--waive", f"{number}:{subject}")]
        if waived and shown:
            say("This cluster, librdkafka's mock, lists no groups. What it cannot tell is unknown and does not pass:\n")
            self.rollout(verb, expect=3)
            say("\nSomebody answers for it, for this rollout and a week:\n")
        self.rollout(verb, *waived, *(["--reason", "a mock lists no groups"] if waived else []))

    def find_missing(self, *words: str) -> dict[str, str]:
        """What holds up the next step: subjects with the numbers of their checks. That the others are not yet yes
        (G1.5) is no reason of its own."""
        command = shlex.join(
            ["contracts", "rollout", "check", EVENT, "--env", "production", "--format", "json", *words]
        )
        (found,) = json.loads(self.clone.ask(command, 0, 1, 3))["rollouts"]
        missing = {check["subject"]: check["number"] for check in found["checks"] if not check["passes"]}
        return {subject: number for subject, number in missing.items() if number != "G1.5"}

    def switch(self, *, shown: bool = False) -> None:
        """The switch, and the proof that it is everywhere."""
        self.pass_gate("switch", shown=shown)
        self.clone.ask(f"contracts rollout converge {EVENT} --env production --wait 30s")


def wait(seen: Callable[[], bool], what: str) -> None:
    """Waits until something is so. Ends the story where it does not become so."""
    end = monotonic() + LONGEST
    while not seen():
        if monotonic() > end:
            sys.exit(f"not within {LONGEST:g} seconds: {what}")
        sleep(0.05)


def main() -> None:
    """Two upgrades on a cluster in this process or on a real Kafka."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "mock"
    with closing(kind_of(kind).start()) as broker, tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        broker.create_topics({"content.items": PARTITIONS, "personalization.dead-letters": 1})
        clone = Clone(Path(folder))
        clone.append("contracts/policy.yaml", POLICY.format(broker=broker.address))
        story = Story(clone, broker.address, UNTOLD if kind == "mock" else frozenset(), ends)
        begin(story)
        tell_compatible(story)
        tell_breaking(story)
        if kind != "mock":
            tell_end(story, broker.address)


def begin(story: Story) -> None:
    """All run build 1, which knows versions 1 to 3; content-api writes version 3."""
    story.pin(reads=[1, 2, 3], writes=[3])
    story.clone.merge("the registry")
    story.build(1)
    story.deploy(1, *story.instances)


def tell_compatible(story: Story) -> None:
    """Version 4 has one more field. One instance is stuck on its old build."""
    clone = story.clone
    if not clone.has("contracts/versions/playconnect.content.ContentPublished/4"):
        clone.edit(SCHEMA, (TITLE, TITLE + SUBTITLE))
        clone.ask("contracts release")
    story.pin(reads=[1, 2, 3, 4], writes=[3, 4])
    clone.merge("version 4: a subtitle")
    story.build(2)

    say("\n=== A compatible step: version 4 has a subtitle ===\n")
    story.publish("Three")
    say("\nPhase 1: the rollout starts. Readers learn version 4, and the owner learns to write it:\n")
    story.rollout("plan")
    say()
    story.rollout("start")
    say()
    story.deploy(2, story.edge[0], story.search, story.owner)
    say()
    story.publish("Still three")

    say("\nPhase 2: the switch. But one instance of edge-cache is stuck on its old build:\n")
    wait(lambda: f"instance/edge-cache/{story.edge[1].name}" in story.find_missing(), "the stuck instance is heard")
    story.rollout("switch", expect=1)
    say()
    story.deploy(2, story.edge[1])
    say()
    story.switch(shown=True)
    say("\nNobody is deployed. personalization, on its first build, has version 4 from the control record:\n")
    story.publish("Four")

    say("\nPhase 3: nobody writes version 3 any more:\n")
    story.pass_gate("contract")


def tell_breaking(story: Story) -> None:
    """Version 5 has other names for a field and for a symbol. The old reader is served through converters."""
    clone = story.clone
    say("\n=== A breaking step: version 5 renames a field and a symbol ===\n")
    clone.edit(SCHEMA, *BREAKING)
    clone.write("contracts/content/ContentPublished.upgrade.yaml", CONVERTERS)
    clone.run("cat contracts/content/ContentPublished.upgrade.yaml")
    clone.run("contracts release")
    story.pin(reads=[1, 2, 3, 4, 5], writes=[4, 5])
    clone.merge("version 5: other names")
    story.build(3)

    say("\nPhase 1:\n")
    story.rollout("start")
    say()
    story.deploy(3, *story.edge, story.search, story.owner)
    say()
    story.publish("Still four")
    say("\nPhase 2:\n")
    story.switch()
    say("\nNobody is deployed. What comes is converted down to version 3 for personalization:\n")
    story.publish("Five")

    say("\nSomething else is wrong, and the writer goes back. Nobody is deployed; what is written stays readable:\n")
    story.rollout("revert", "--reason", "the shop falls over new articles")
    say()
    story.publish("Four again")
    say("\nIt was not the upgrade, so once more:\n")
    story.switch()
    say()
    story.publish("Five again")
    say("\nHow things stand in production:\n")
    clone.run("contracts rollout status --env production")
    say("\nThe journal, a branch of its own in the registry's repository:\n")
    clone.run("git log --format=%s --max-count=8 contracts-state")


def tell_end(story: Story, broker: str) -> None:
    """The first step comes to its end: nobody asks for version 3 any more, and at last no log holds it."""
    clone = story.clone
    first = ["--from", "3", "--to", "4"]
    say("\n=== The end of version 3 ===\n")
    wait(lambda: "instance/personalization/personalization-1" in story.find_missing(*first), "who is served is heard")
    story.rollout("retire-write", expect=1)
    say("\nIn the end even personalization is deployed:\n")
    clone.edit("ownership.yaml", ("reads: [1, 2, 3], served: true", "reads: [1, 2, 3, 4, 5]"))
    clone.merge("personalization reads version 5")
    clone.build("personalization", 4)
    story.deploy(4, story.old)
    say()
    wait(lambda: not story.find_missing(*first), "nobody is served version 3")
    story.rollout("retire-write")
    say("\nNobody writes version 3, and it still lies in the log:\n")
    story.rollout("retire-read", expect=1)
    say("\nWeeks later retention has taken it:\n")
    forget_records(broker)
    story.rollout("retire-read")


def forget_records(broker: str) -> None:
    """As retention does: all that lies in the topic now is gone."""
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    places = [TopicPartition("content.items", number, -1) for number in range(PARTITIONS)]
    admin = AdminClient({"bootstrap.servers": broker})
    for done in admin.delete_records(places).values():
        done.result(LONGEST)


if __name__ == "__main__":
    main()
