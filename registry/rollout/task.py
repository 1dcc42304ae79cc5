"""One command on one rollout: what was read, what was seen, what is decided, and what was done so far."""

from collections.abc import Callable, Iterable, Sequence

from registry.frozen import replace
from registry.kafka.rollout.control import ControlRecord
from registry.rollout.checks import Check, Verdict, decide
from registry.rollout.collecting import collect
from registry.rollout.errors import LostRace
from registry.rollout.evidence import Evidence
from registry.rollout.facts import Facts
from registry.rollout.gates import Gate, evaluate, record
from registry.rollout.invariants import find_breaches
from registry.rollout.journal.documents import render_rollout
from registry.rollout.journal.events import find_events_path, render_decision, render_message
from registry.rollout.journal.journal import Book, Entry, find_conflict
from registry.rollout.means import Means
from registry.rollout.next_step import find_next
from registry.rollout.order import Order
from registry.rollout.outcome import EXITS, Exit, Outcome
from registry.rollout.publishing import TRIES, Right, find_next_epoch, find_stored
from registry.rollout.rollout import Publication, Recorded, Rollout, Waiver
from registry.rollout.standing import stand
from registry.rollout.states import State


class Task:
    """A command under way. Whatever it changes goes through :meth:`commit` and :meth:`publish`."""

    def __init__(
        self,
        means: Means,
        order: Order,
        verb: str,
        facts: Facts,
        book: Book,
        rollout: Rollout,
        waivers: Sequence[Waiver] = (),
    ) -> None:
        self.means = means
        self.order = order
        self.verb = verb
        self.facts = facts
        self.book = book
        self.step = rollout.step
        self.before = self.known = book.find_rollout(rollout.step)
        """As the journal had it when the command began, and as it had it when we looked last."""
        self.rollout = replace(rollout, waivers=(*rollout.waivers, *waivers))
        """With what this command adds."""
        self.waivers = tuple(waivers)
        self.gate = ""
        self.checks: tuple[Check, ...] = ()
        self.verdict: Verdict | None = None
        self.evidence: Evidence | None = None
        self.patch = ""
        self._judged = book
        """What the last look was made on."""
        self._given = self.waivers
        self._used: set[Waiver] = set()
        self._seen: dict[tuple[str, str], Verdict] = {}
        self._told: Publication | None = None
        self._done: list[str] = []
        self._published: list[ControlRecord] = []

    def rollouts(self, changed: Rollout | None = None) -> list[Rollout]:
        """All of the contract in the environment, with one of them as it is to be."""
        found = self.book.find_rollouts(self.step.contract, self.step.environment)
        others = [each for each in found if changed is None or each.step != changed.step]
        return others if changed is None else [*others, changed]

    def say(self, line: str) -> None:
        """Note one thing that was done, and tell it."""
        self._done.append(line)
        self.means.tell(line)

    # Looking.

    def look(self, gate: Gate, patience: float = 0.0) -> Verdict:
        """What a gate says now; while it says unknown, again each heartbeat for as long as the patience lasts.

        Raises :class:`registry.rollout.errors.LostRace` where somebody changes the rollout meanwhile.
        """
        environment, waited = self.means.environment, 0.0
        while True:
            verdict = self._look_once(gate)
            if verdict is not Verdict.UNKNOWN or waited >= patience:
                return verdict
            pause = min(environment.heartbeat or 1.0, patience - waited)
            blocking = sum(not check.passes for check in self.checks)
            self.means.tell(f"{gate.name} is unknown ({blocking} open); looking again in {pause:g} s")
            self.means.wait(pause)
            waited += pause
            self.reload()

    def _look_once(self, gate: Gate) -> Verdict:
        self._judged = self.book
        self.evidence = collect(self.means, self.facts, self.book, self.rollout, gate.needs, dry_run=self.order.dry_run)
        self.means.at(f"{gate.name} is looked at")
        now = self.means.clock()
        self.gate, self.checks = gate.name, evaluate(gate, self.rollout, self.evidence, now)
        self.verdict = decide(self.checks)
        self._seen |= {(check.number, check.observation.subject): check.verdict for check in self.checks}
        self._used |= {check.waiver for check in self.checks if check.waiver}
        recorded = record(gate, self.checks, self.rollout.checks, self.rollout, now)
        self.rollout = replace(self.rollout, checks=recorded)
        return self.verdict

    def examine(self) -> None:
        """Add to what a gate saw where an invariant is broken; that is a no, whatever the gate says."""
        if self.evidence is not None:
            breaches = find_breaches(self.step.contract, self.evidence, self.means.clock())
            self.checks += tuple(Check(each.invariant, each.observation) for each in breaches)
            self.verdict = decide(self.checks)

    # Deciding.

    def move(self, state: State) -> Rollout:
        """The rollout in another state, decided by us and now."""
        return replace(self.rollout, state=state, since=self.means.clock(), by=self.means.by, reason=self.order.reason)

    def publish_next(self, moved: Rollout) -> Rollout:
        """The rollout with a publication of the next epoch, of what all rollouts of the contract then mean together."""
        epoch = find_next_epoch(self.rollouts())
        moved = replace(moved, epoch=epoch)
        standing = stand(self.rollouts(moved))
        return replace(moved, publication=Publication(epoch, standing.active, standing.writable))

    def decide(self, gate: Gate, make: Callable[[], Rollout], *, patience: float = 0.0, looked: bool = False) -> bool:
        """Whether a gate says yes, and what follows from it stands in the journal; ``looked`` where it just said so.

        Where somebody changed what the gate read while it was judged, it is judged again. Raises
        :class:`registry.rollout.errors.LostRace` where they changed the rollout itself.
        """
        for last in (False,) * (TRIES - 1) + (True,):
            if not (looked and self._is_current()) and self.look(gate, patience) is not Verdict.YES:
                return False
            try:
                self.commit(make())
            except LostRace as error:
                if last:
                    raise
                self.reload(error)
                looked = False
            else:
                break
        return True

    def _is_current(self) -> bool:
        """Whether the journal still says what the last look was made on."""
        # Of the rollout itself only what others saw can differ here.
        others = Entry({}, {}, "", lambda path: path != self.step.path and self._depends(path))
        return not find_conflict(self._judged, self.book, others)

    def settle(self, make: Callable[[], Rollout]) -> None:
        """Write what follows from no gate; others may write meanwhile, though not the rollout itself."""
        for last in (False,) * (TRIES - 1) + (True,):
            try:
                self.commit(make())
            except LostRace as error:
                if last:
                    raise
                self.reload(error)
            else:
                break

    def commit(self, rollout: Rollout) -> None:
        """Write one decision into the journal, if nothing that it was made on has changed."""
        state, path, at = self.known.state if self.known else None, self.step.path, self.means.clock()
        line = render_decision(self.verb, state, rollout, self.checks, at)
        message = render_message(state, rollout, self.checks)
        self._write({path: render_rollout(rollout)}, {find_events_path(path): line}, message)

    def _write(self, changes: dict[str, bytes], lines: dict[str, str], message: str) -> None:
        assert not self.order.dry_run
        entry = Entry(changes, lines, message, self._depends)
        self.means.at(f"before {message.partition(chr(10))[0]}")
        self.book = self.means.journal.write(self.book, entry)
        self.known = self.book.find_rollout(self.step)
        assert self.known is not None
        self.rollout = self.known
        self.means.at(f"after {message.partition(chr(10))[0]}")

    def _depends(self, path: str) -> bool:
        """What gates read of the journal: this contract's rollouts everywhere, and what its services have deployed."""
        terms = self.facts.terms
        services = {terms.owner, *(each.service for each in terms.subscribers)} if terms else set()
        deployed = {f"deployments/{self.step.environment}/{service}.json" for service in services}
        return path.startswith(f"rollouts/{self.step.contract}/") or path in deployed

    def reload(self, error: LostRace | None = None) -> None:
        """Read the journal again. Raises :class:`registry.rollout.errors.LostRace` where the rollout was changed.

        That somebody else has looked at it, and recorded what they saw, changes nothing.
        """
        book = self.means.journal.read()
        found = book.find_rollout(self.step)
        if _without_checks(found) != _without_checks(self.known):
            fact = f"{found.state} by {found.by}" if found else "gone"
            message = error.message if error else f"{self.step} was changed meanwhile: it is {fact}"
            done = "nothing was published"
            if self._published:
                done = f"epoch {self._published[-1].epoch} was published by this command before that"
            raise LostRace(message, f"{done}; look at what it says now, and decide again")
        self.book, self.known = book, found

    def follow(self, state: State) -> bool:
        """Whether somebody else has brought the rollout to the state that this command was waiting for."""
        book = self.means.journal.read()
        found = book.find_rollout(self.step)
        if found is None or found.state is not state or found.epoch != self.rollout.epoch:
            return False
        self.book = book
        self.known = self.rollout = found
        self.say(f"{self.step} is {found.state}, by {found.by}")
        return True

    def keep_record(self) -> None:
        """Write what the gate saw into the journal, where it says anything new; a race lost here costs nothing."""
        text = self.render_record()
        if text is None or self.order.dry_run:
            return
        kept, path = self._kept(), self.step.path
        lines = {}
        if self.waivers:
            line = render_decision("waive", kept.state, kept, self.checks, self.means.clock())
            lines[find_events_path(path)] = line
        try:
            self._write({path: text}, lines, render_message(kept.state, kept, self.checks))
        except LostRace as error:
            if self.waivers:
                raise
            self.say(f"what was seen is not recorded: {error.message}")

    def render_record(self) -> bytes | None:
        """The rollout's document with what the gate saw; ``None`` where that is nothing new."""
        if self.known is None:
            return None
        same = _list_words(self.known.checks) == _list_words(self.rollout.checks)
        return None if same and not self.waivers else render_rollout(replace(self._kept(), by=self.known.by))

    def _kept(self) -> Rollout:
        """As it stands, with what was seen and who saw it."""
        assert self.known is not None
        return replace(self.known, checks=self.rollout.checks, waivers=self.rollout.waivers, by=self.means.by)

    # Publishing.

    def take(self, right: Right) -> None:
        """Take the right to publish, and read again what the journal and the control topic say.

        Raises :class:`registry.rollout.errors.SplitBrain` where the topic says more than git, and
        :class:`registry.rollout.errors.LostRace` where somebody changed the rollout.
        """
        right.take()
        right.is_behind(self._confirm(), self._confirm)

    def publish(self, right: Right) -> bool:
        """Bring the control topic to what git decided; whether there was anything to write."""
        published = right.publish(self.rollouts(), self._confirm)
        self._tell_unheard()
        if published is not None:
            self._published.append(published)
            prepared = f", v{published.prepare} prepared" if published.prepare else ""
            self.say(f"published epoch {published.epoch}: v{published.active} is active{prepared}")
        return published is not None

    def _tell_unheard(self) -> None:
        """Where no cluster is asked, no runtime hears what was decided: say who has to carry it, once."""
        now, was = self.rollout.publication, self.before.publication if self.before else None
        if self.means.find_main() is not None or now is None or now.prepare or now in (was, self._told):
            return
        self._told = now
        contract, environment, terms = self.step.contract, self.step.environment, self.facts.terms
        if self.means.unasked and self.means.environment.clusters:
            self.say(
                f"nothing is published ({self.means.unasked}): contracts rollout reconcile {contract} --env "
                f"{environment}  publishes it, from where the cluster can be reached"
            )
            return
        self.say(
            f"no runtime hears of this by itself: start {terms.owner if terms else 'the owner'} with "
            f"CONTRACTS_ACTIVE={contract}={now.active}, or give it as CONTRACTS_CONTROL the file that `contracts "
            f"rollout status {contract} --env {environment} --format control` prints"
        )

    def _confirm(self) -> Sequence[Rollout]:
        self.reload()
        return self.rollouts()

    # Ending.

    def refuse(self) -> Outcome:
        """The end of a command whose gate does not say yes; what it saw is recorded, waivers are not.

        Raises :class:`registry.rollout.errors.LostRace` where it judged a rollout that somebody had moved on meanwhile.
        """
        self.reload()
        self.rollout = replace(self.rollout, waivers=self.known.waivers if self.known else ())
        self.waivers = ()
        self.keep_record()
        return self.end()

    def end(self, code: Exit | None = None) -> Outcome:
        """The outcome. Without a code it is that of the gate which was looked at last."""
        self._tell_idle()
        if code is None:
            code = EXITS[self.verdict] if self.verdict else Exit.DONE
        return Outcome(
            verb=self.verb,
            step=self.step,
            before=self.before,
            after=self.known,
            gate=self.gate,
            checks=self.checks,
            verdict=self.verdict,
            exit_code=code,
            done=tuple(self._done),
            published=tuple(self._published),
            next=find_next(self.step, self.known),
            patch=self.patch,
            dry_run=self.order.dry_run,
            at=self.means.clock(),
            stored=find_stored(self.facts, self.rollouts()),
        )

    def _tell_idle(self) -> None:
        """Say which waivers of this command let nothing pass: a slip of the pen, or what nobody can answer for."""
        for waiver in self._given:
            name, said = f"{waiver.check}:{waiver.subject}", self._seen.get((waiver.check, waiver.subject))
            if said is None:
                self.say(f"the waiver of {name} answers for nothing that was seen")
            elif said is Verdict.NO and waiver not in self._used:
                self.say(f"the waiver of {name} does not hold: a no of it is nobody's to answer for")
        self._given = ()


def _without_checks(rollout: Rollout | None) -> Rollout | None:
    return replace(rollout, checks=()) if rollout else None


def _list_words(recorded: Iterable[Recorded]) -> set[tuple[str, str, Verdict]]:
    """What is recorded but for when somebody looked."""
    return {(each.check, each.subject, each.verdict) for each in recorded}
