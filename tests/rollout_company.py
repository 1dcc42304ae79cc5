"""What befalls a company while operators work: services come and go, stand still and write, clusters fail, time passes.

These are rules of a state machine; :mod:`tests.test_rollout_machine` adds the operators and the laws.
"""

from typing import Final

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from registry.environment import Cluster, Environment
from tests.rollout_laws import Laws
from tests.rollout_services import Instance, OwnerInstance, ReaderInstance
from tests.rollout_world import OWNER, READERS, TOPIC, World

BUILDS: Final = ((1,), (1, 2), (1, 2, 3), (2,), (2, 3), (1, 3))
"""What builds know. The owner's and the readers' are drawn from the same."""
ENVIRONMENT: Final = Environment(
    "production",
    (Cluster("main", "main:9092"),),
    quiet=60.0,
    revert_window=30.0,
    heartbeat=10.0,
    margin=5.0,
    super_users=(),
    everyone=False,
)
WHICH = st.integers(0, 11)


class Company(RuleBasedStateMachine):
    """One contract in one environment, with all that may go wrong but its operators."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(ENVIRONMENT, versions=3)
        self.world.eager = True
        self.world.may_start = lambda: self.may_start((1,))
        self.laws = Laws(self.world)
        self.transactions: list[int] = []
        self.count = 0

    def may_start(self, known: tuple[int, ...]) -> bool:
        """Whether the world is one in which a build may be started that remembers nothing.

        Where the control topic cannot be read, or was lost and nobody has repaired it yet, nothing tells an instance
        with an empty disk what holds: it goes by what its build was made for. And before the first switch there is no
        control record: that a build of the owner writes the active version is what `can-i-deploy` looks at then.
        """
        if self.world.cluster.down & {"*", "follow_control"}:
            return False
        found = self.world.cluster.control.latest.values()
        if self.laws.published_rank > max((each.rank for each in found), default=(0, 0)):
            return False
        return bool(found) or 1 in known

    def pick(self, which: int) -> Instance:
        alive = [each for each in self.world.instances if each.alive]
        return alive[which % len(alive)]

    @rule(known=st.sampled_from(((1, 2), (1, 2, 3), (1, 2, 3), (2, 3))))
    def recover(self, known: tuple[int, ...]) -> None:
        self.make_well(known)

    def make_well(self, known: tuple[int, ...]) -> None:
        """A good day: the cluster answers, and a whole company moves on to one build."""
        self.world.cluster.down, self.world.cluster.uncertain = set(), []
        for each in self.world.instances:
            each.thaw()
        if self.may_start(known):
            for service in (*READERS, OWNER):
                self.world.roll(service, *known)
            self.world.live(10)

    @rule(which=WHICH, known=st.sampled_from(BUILDS), how=st.sampled_from(("stop", "die", "beside", "end", "say")))
    def replace_one(self, which: int, known: tuple[int, ...], how: str) -> None:
        """One instance goes, and one with another build comes in its place, or beside it; or git alone is told."""
        old = self.pick(which)
        service = old.place.service
        if how == "say":
            self.world.deploy(service, *known)
        if how == "end" and len(self.world.find(service)) > 1:
            old.stop()
        if how in {"say", "end"} or not self.may_start(known):
            return
        if how != "beside":
            getattr(old, how)()
        elif len(self.world.find(service)) >= 3:
            return
        self.count += 1
        if service == OWNER:
            self.world.start_owner(f"pod-{self.count}", *known)
        else:
            self.world.add_reader(service, f"pod-{self.count}", *known)

    @rule(which=WHICH, doing=st.sampled_from(("beat", "follow", "poll", "tick", "announce", "look", "admit", "settle")))
    def let_one_do(self, which: int, doing: str) -> None:
        """One does one thing; everything that the others should have done is late."""
        instance = self.pick(which)
        if not instance.awake or not hasattr(instance, doing):
            return
        starts = isinstance(instance, ReaderInstance) and not instance.started
        if not starts or (doing not in {"beat", "follow", "poll"} and self.may_start((1,))):
            getattr(instance, doing)()

    @rule(which=WHICH)
    def freeze_or_thaw(self, which: int) -> None:
        instance = self.pick(which)
        if instance.frozen:
            instance.thaw()
        elif isinstance(instance, ReaderInstance):
            instance.freeze()

    @rule(which=WHICH, how=st.sampled_from(("plain", "plain", "transaction", "commit", "abort", "store", "relay")))
    def write(self, which: int, how: str) -> None:
        owners = [each for each in self.world.find(OWNER) if isinstance(each, OwnerInstance)]
        owner = owners[which % len(owners)]
        partition = which % len(self.world.cluster.topics[TOPIC])
        if how == "plain":
            owner.produce("hot" if which % 2 else "", partition)
        elif how == "transaction":
            self.transactions = self.transactions or [self.world.cluster.begin()]
            owner.produce("", partition, self.transactions[-1])
        elif how in {"store", "relay"}:
            getattr(owner, how)()
        else:
            self.end_transaction(how == "commit")

    def end_transaction(self, committed: bool) -> None:
        for producer in self.transactions:
            (self.world.cluster.commit if committed else self.world.cluster.abort)(producer)
        self.transactions = []

    # Time, and the cluster.

    @rule(seconds=st.sampled_from((1, 10, 40, 80)), live=st.booleans())
    def pass_time(self, seconds: int, live: bool) -> None:
        (self.world.live if live else self.world.move)(seconds)

    @rule(what=st.sampled_from(("*", "publish", "read_groups", "scan", "read_heartbeats", "follow_control", "beat")))
    def fail_or_recover(self, what: str) -> None:
        cluster = self.world.cluster
        cluster.down = set() if cluster.down else {what}

    @rule(what=st.sampled_from(("written", "lost", "late", "late", "settle", "0", "1", "2", "5")))
    def disturb_control(self, what: str) -> None:
        """The answer to a publication is lost; or the topic is set back to its first records."""
        cluster = self.world.cluster
        if what == "settle":
            cluster.settle()
        elif what.isdigit():
            cluster.control.set_back(int(what))
        else:
            cluster.uncertain = [what]

    @rule(doing=st.sampled_from(("compact", "retain", "add", "forget")))
    def care_for_the_log(self, doing: str) -> None:
        cluster = self.world.cluster
        logs = cluster.topics[TOPIC]
        if doing == "add" and len(logs) < 3:
            cluster.add_topic(TOPIC, len(logs) + 1)
        elif doing == "forget":
            # Of one that lives they never expire: it would be a zombie, which S7 is about.
            living = {each.key for each in self.world.instances if each.alive}
            for key in cluster.heartbeats.latest.keys() - living:
                cluster.forget(key)
        for log in logs.values():
            if doing == "compact":
                log.compact()
            elif doing == "retain":
                log.delete_before(log.stable)
