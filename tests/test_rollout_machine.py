"""Anything may happen in any order: operators race and die, services come and go, messages are late or lost.

After each step the laws of :mod:`tests.rollout_laws` hold, and at the end somebody repairs it all and goes on.
"""

from operator import methodcaller
from typing import Final

import hypothesis.strategies as st
from hypothesis.stateful import initialize, invariant, rule

from registry.rollout.checks import Verdict
from registry.rollout.invariants import INVARIANTS
from registry.rollout.order import Order
from registry.rollout.outcome import Exit
from registry.rollout.states import State
from tests.examples_settings import EXAMPLES, QUICK, settings
from tests.rollout_actors import Actor
from tests.rollout_company import BUILDS, ENVIRONMENT, Company
from tests.rollout_world import EVENT, HEARTBEATS_KEPT, OWNER, READERS, explain

VERBS: Final = (
    "plan",
    "start",
    "check",
    "switch",
    "converge",
    "revert",
    "contract",
    "reopen",
    "retire_write",
    "retire_read",
    "abort",
    "abandon",
)
STEPS: Final = ((0, 0), (0, 0), (1, 2), (2, 3), (1, 3))
NEXT: Final = {
    State.PLANNED: "start",
    State.EXPANDING: "switch",
    State.SWITCHING: "converge",
    State.SWITCHED: "contract",
    State.CONTRACTING: "retire_write",
    State.WRITE_RETIRED: "retire_read",
    State.REVERTING: "converge",
    State.REVERTED: "switch",
}
BACK: Final = {
    State.EXPANDING: "abort",
    State.SWITCHING: "revert",
    State.SWITCHED: "revert",
    State.REVERTED: "abandon",
    State.CONTRACTING: "reopen",
}
_TWICE: Final = ("start", "switch", "contract", "start 2 3")
ADMISSION: Final = ("announce", "look", "admit", "settle")
PASTS: Final = (
    (),
    (),
    ("start",),
    ("start", "switch"),
    ("start", "switch", "contract"),
    ("start", "switch", "contract", "retire_write"),
    ("start", "switch", "revert"),
    ("start", "switch", "revert", "abandon"),
    _TWICE,
    (*_TWICE, "switch 2 3"),
)
"""What may have happened before the story begins."""
GOES_ON: Final = {
    State.PLANNED: "abort",
    State.EXPANDING: "abort",
    State.SWITCHING: "converge",
    State.SWITCHED: "revert",
    State.REVERTING: "converge",
    State.REVERTED: "abandon",
}
"""What must work, once everybody runs builds that know all versions."""
_WHO = st.integers(0, 1)
_WAY = st.sampled_from(("on", "on", "back", "beside"))
_PLACE = st.tuples(
    st.sampled_from(
        (
            "before main.open_control",
            "before journal.write",
            "after journal.write",
            "before main.publish",
            "after main.publish",
            "waiting",
            "before main.read_heartbeats",
        )
    ),
    st.integers(1, 3),
)
"""Where an operator stands still, for the n-th time."""


class RolloutMachine(Company):
    """One contract in one environment, two operators, and everything that can go wrong."""

    def __init__(self) -> None:
        super().__init__()
        self.actors = [Actor(self.world, "ana@example.com"), Actor(self.world, "ben@example.com")]

    @initialize(past=st.sampled_from(PASTS), known=st.sampled_from(((1,), (1, 2), (1, 2, 3))))
    def begin(self, past: tuple[str, ...], known: tuple[int, ...]) -> None:
        """What has happened before: nothing, or some verbs of a rollout that went well."""
        builds = (1, 2, 3) if past else known
        for service in (*READERS, OWNER):
            self.world.roll(service, *builds)
        self.world.live(10)
        for line in past:
            verb, _, step = line.partition(" ")
            if verb == "retire_write":
                self.world.roll(OWNER, 2, 3)
                self.world.live(ENVIRONMENT.quiet)
            self.world.live(20)
            old, new = map(int, step.split()) if step else (1, 2)
            self.world.demand(verb, old, new, reason="why not")
            self.laws.check()

    # Operators.

    @rule(who=_WHO, verb=st.sampled_from(VERBS), step=st.sampled_from(STEPS), dry=st.integers(0, 9))
    def give_order(self, who: int, verb: str, step: tuple[int, int], dry: int) -> None:
        actor = self.actors[who]
        if not actor.busy:
            old, new = step if self.laws.rollouts else (1, 2)
            order = Order(EVENT, old, new, reason="why not", dry_run=not dry)
            actor.begin(methodcaller(verb, order))

    @rule(who=_WHO, now=st.booleans(), way=_WAY)
    def take_a_step(self, who: int, now: bool, way: str) -> None:
        self.begin_a_step(who, way)
        if now:
            self.actors[who].finish()

    def begin_a_step(self, who: int, way: str) -> None:
        """What a sensible person would do: the next step of the newest rollout, or back, or the first of another."""
        actor = self.actors[who]
        if actor.busy:
            return
        verb, old, new = "start", *((0, 0) if self.laws.rollouts else (1, 2))
        for rollout in self.laws.rollouts:
            if way != "beside" and (found := (BACK if way == "back" else NEXT).get(rollout.state)):
                verb, old, new = found, rollout.step.old, rollout.step.new
        actor.begin(methodcaller(verb, Order(EVENT, old, new, reason="why not")))

    @rule(who=_WHO)
    def repair(self, who: int) -> None:
        if not self.actors[who].busy:
            self.actors[who].begin(methodcaller("reconcile"))

    @rule(who=_WHO, places=st.integers(1, 25))
    def go_on(self, who: int, places: int) -> None:
        self.let_go_on(who, places)

    def let_go_on(self, who: int, places: int) -> None:
        actor = self.actors[who]
        for _ in range(places):
            if actor.waits:
                self.world.live(10)
            actor.go_on()

    def let_go_until(self, who: int, place: tuple[str, int]) -> None:
        """To the n-th time that it comes to a place of this name, or to its end; services live while it waits."""
        name, times = place
        actor = self.actors[who]
        while times and actor.busy:
            if actor.waits:
                self.world.live(5)
            actor.go_on()
            times -= actor.place == name

    def begin_well(self, well: bool, way: str) -> None:
        """One step, of a company that is well, or as it is."""
        if well:
            self.make_well((1, 2, 3))
        self.begin_a_step(0, way)

    @rule(well=st.booleans(), way=_WAY, place=_PLACE, others=st.lists(_WAY, min_size=1, max_size=3))
    def overtake(self, well: bool, way: str, place: tuple[str, int], others: list[str]) -> None:
        """One stands still in the middle of a command, while the other one does some whole ones."""
        self.begin_well(well, way)
        self.let_go_until(0, place)
        for other in others:
            self.begin_a_step(1, other)
            self.actors[1].finish()
        self.actors[0].finish()

    @rule(
        well=st.booleans(),
        way=_WAY,
        known=st.sampled_from(BUILDS),
        steps=st.integers(0, len(ADMISSION)),
        place=_PLACE,
        stands=st.sampled_from((0, 0, 10, 40)),
    )
    def start_reader_meanwhile(
        self, well: bool, way: str, known: tuple[int, ...], steps: int, place: tuple[str, int], stands: int
    ) -> None:
        """A reader has gone some steps of its way in, and goes the others in the middle of a command, or after it."""
        if well:
            self.make_well((1, 2, 3))
        if not self.may_start(known) or len(self.world.find(READERS[0])) >= 3:
            return
        self.count += 1
        reader = self.world.add_reader(READERS[0], f"pod-{self.count}", *known)
        for step in ADMISSION[:steps]:
            getattr(reader, step)()
        if stands:
            reader.freeze()
            self.world.live(stands)
        self.begin_a_step(0, way)
        self.let_go_until(0, place)
        reader.thaw()
        for step in ADMISSION[steps:]:
            getattr(reader, step)()
            self.laws.check()
        self.actors[0].finish()

    @rule(well=st.booleans(), way=_WAY, known=st.sampled_from(BUILDS), place=_PLACE)
    def start_owner_meanwhile(self, well: bool, way: str, known: tuple[int, ...], place: tuple[str, int]) -> None:
        """An instance of the owner starts and writes in the middle of a command."""
        self.begin_well(well, way)
        self.let_go_until(0, place)
        if self.may_start(known) and len(self.world.find(OWNER)) < 3:
            self.count += 1
            self.world.start_owner(f"pod-{self.count}", *known).produce()
        self.actors[0].finish()

    @rule(who=_WHO)
    def finish(self, who: int) -> None:
        self.actors[who].finish()

    @rule(who=_WHO)
    def kill(self, who: int) -> None:
        self.actors[who].kill()

    # The laws.

    @invariant()
    def hold(self) -> None:
        self.laws.check(*self.actors)

    def teardown(self) -> None:
        for actor in self.actors:
            actor.kill()
            actor.error = None
        self.world.cluster.settle()
        self.go_on_from_here()

    def go_on_from_here(self) -> None:
        """Whatever has happened: one command repairs it, the second time it changes nothing, and the work goes on."""
        world = self.world
        world.cluster.down, world.cluster.uncertain = set(), []
        self.end_transaction(False)
        for each in [each for each in world.instances if each.frozen]:
            each.thaw()
            each.die()
        world.move(HEARTBEATS_KEPT)  # nobody speaks for those that were killed
        world.operator("eve@example.com").reconcile()
        self.make_well((1, 2, 3))
        world.live(20)
        world.operator("eve@example.com").reconcile()
        before = (world.journal.read().commit, len(world.cluster.published))
        world.operator("ned@example.com").reconcile()
        assert (world.journal.read().commit, len(world.cluster.published)) == before, "reconcile twice changes nothing"
        for outcome in world.operator().status(EVENT):
            broken = [each for each in outcome.checks if each.number in INVARIANTS and each.verdict is Verdict.NO]
            assert not broken, f"what an operator is shown of the laws: {broken}"
        for rollout in reversed(self.laws.rollouts):
            if verb := GOES_ON.get(rollout.state):
                order = Order(EVENT, rollout.step.old, rollout.step.new, reason="why not")
                outcome = getattr(world.operator(), verb)(order)
                assert outcome.exit_code is Exit.DONE, f"{rollout.step} {rollout.state}: {explain(outcome)}"
        self.laws.check()


TestRolloutMachine = RolloutMachine.TestCase
TestRolloutMachine.settings = settings(
    40 if EXAMPLES <= QUICK else EXAMPLES // 4, stateful_step_count=50, suppress_health_check=()
)
