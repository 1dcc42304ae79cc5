"""A service's part in rolling upgrades: one object per process, which its producers and subscriptions are given."""

import atexit
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Condition, Event, RLock, Thread, current_thread
from time import monotonic
from types import MappingProxyType
from typing import Any, Final, Self
from weakref import WeakSet

from registry.kafka.consuming.partitions import Place
from registry.kafka.errors import SettingsError
from registry.kafka.observing import LOG
from registry.kafka.rollout.beating import Beating
from registry.kafka.rollout.believing import Believing
from registry.kafka.rollout.control import ControlRecord
from registry.kafka.rollout.documents import render_heartbeat
from registry.kafka.rollout.errors import NotAdmitted
from registry.kafka.rollout.following import Following
from registry.kafka.rollout.heartbeat import Heartbeat
from registry.kafka.rollout.naming import BUILD_VARIABLE, ENVIRONMENT_VARIABLE, demand_name, name_instance
from registry.kafka.rollout.outboxes import Asked, Outboxes
from registry.kafka.rollout.part import Member, Part, add_held
from registry.serde.bundle import BundledVersion
from registry.serde.serde import Serde
from registry.serde.steering import Steered
from registry.serde.stubs import name_service

TICK: Final = 0.25
"""Seconds that the thread waits for a control record before it looks around."""
LAST: Final = 2.0
"""Seconds for the word that the instance has left."""

FindPaused = Callable[[], Mapping[Place, Exception]]
Wake = Callable[[], object]

_OPEN: "Final[WeakSet[Rollouts]]" = WeakSet()
_ORPHANS: Final[list[Any]] = []


class Rollouts:
    """Says what this instance can read and write, and lets its producers write what the control record names.

    Give it to each producer, :class:`registry.kafka.Subscription` and :class:`registry.kafka.AsyncSubscription` of a
    process by ``rollouts=``. It begins with the first of them or with ``with``; at the end of ``with``, and of the
    process, it says that the instance has left.

    ``settings`` are librdkafka's; without them there is no Kafka here, and versions are named by a file or a variable
    alone. ``service``, ``environment``, ``build`` and ``state`` are ``CONTRACTS_SERVICE``, ``CONTRACTS_ENVIRONMENT``,
    ``CONTRACTS_BUILD`` and ``CONTRACTS_STATE`` where they are not given. ``state`` is the file in which the last known
    records are kept, for a start without a broker; ``source`` a file with control records, ``CONTRACTS_CONTROL`` where
    it is not given; ``groups`` are consumer groups of readers other than subscriptions; ``outboxes`` those whose rows
    are counted. A heartbeat is sent each ``period`` seconds and when something changed. ``patience`` is how many
    seconds a start waits for the broker; after that it goes on with what is known.

    Of what is known of a contract the record with the highest rank counts, wherever it came from; then what
    ``CONTRACTS_ACTIVE`` says; then what the stubs do. Raises :class:`registry.kafka.SettingsError`. Threads may share
    it, and not processes: a forked child becomes an instance of its own when it writes or reads.
    """

    def __init__(
        self,
        settings: Mapping[str, object] | None = None,
        *,
        service: str | None = None,
        environment: str | None = None,
        build: str | None = None,
        instance: str | None = None,
        groups: Iterable[str] = (),
        state: str | Path | None = None,
        outboxes: Sequence[Asked] = (),
        period: float = 10.0,
        source: str | Path | None = None,
        patience: float = 5.0,
    ) -> None:
        self.service = demand_name("service", name_service(service), "CONTRACTS_SERVICE")
        self.environment = demand_name("environment", environment or os.environ.get(ENVIRONMENT_VARIABLE, ""))
        self.build = build or os.environ.get(BUILD_VARIABLE, "")
        if period <= 0:
            raise SettingsError(f"period={period} is no number of seconds", help="leave it out: it is 10 seconds")
        self._named = instance
        self.instance = instance or name_instance()
        """What its heartbeats are called."""
        self._settings = None if settings is None else dict(settings)
        self._groups = tuple(groups)
        self._outboxes = Outboxes(outboxes)
        self._period = period
        self._patience = patience
        self._part = Part()
        self._believing = Believing(
            self._part,
            self.environment,
            state=state,
            source=source,
            settle=period if self._outboxes else 0.0,
            changed=self._note_change,
        )
        self._ended = False
        self._forget_threads()

    def _forget_threads(self) -> None:
        """As before its first thread: at the beginning, after :meth:`close`, and in a forked child."""
        self._lock = RLock()
        self._speaking = RLock()
        self._news = Condition()
        self._stop = Event()
        self._changed = Event()
        self._ready = Event()
        self._started = datetime.now(UTC)
        self._asked = self._answered = 0
        self._caught_up = False
        self._thread: Thread | None = None
        self._following: Following | None = None
        self._beating: Beating | None = None
        self._due = 0.0

    # What producers and subscriptions call.

    def steer(self, serde: Steered, transport: object) -> None:
        """A producer begins: it writes what is known to be active, now and from each change on."""
        self.open()
        with self._lock:
            self._part.add_writer(serde, transport, monotonic())
            self._believing.learn(serde.bundle.event, serde.bundle.writes)
        self._changed.set()

    def attend(self) -> None:
        """Somebody is about to write."""
        if self._thread is None and not self._ended:
            self.open()

    def join(self, group: str, serdes: Sequence[Serde], find_paused: FindPaused, wake: Wake = int) -> Member:
        """A subscription is about to join its group. ``wake`` is called when a record changes what it can read.

        Raises what :meth:`admit` does, which is to be called again when it has its partitions.
        """
        self.open()
        member = Member(group, tuple(serdes), find_paused, wake)
        with self._lock:
            self._part.join(member)
        self.admit(member)
        return member

    def admit(self, member: Member) -> None:
        """Lets a member read, or not: before it joins its group, and when it has partitions, before any record.

        In this order: the heartbeat that names it is acknowledged, and then the control topic is read to its end. So
        whoever publishes a record afterwards either finds the reader's heartbeat, or the reader finds the record.
        Raises :class:`registry.kafka.NotAdmitted` where versions lie in the log, or are about to, that it cannot read.
        """
        group = member.group
        if not self._beat(self._patience) or not self._catch_up(self._patience):
            LOG.warning("%s reads as %s as it is: no broker tells how its rollouts stand", self.service, group)
        with self._lock:
            for serde in member.serdes:
                self._believing.learn(serde.bundle.event, serde.bundle.writes)
            found = {serde.bundle.event: self._part.find_refusal(serde.bundle.event) for serde in member.serdes}
            refusals = {event: refusal for event, refusal in found.items() if refusal}
            if refusals:
                self._part.refuse(member, refusals)
        if refusals:
            self._changed.set()
            told = "; ".join(f"{event}: {refusal}" for event, refusal in refusals.items())
            raise NotAdmitted(
                f"{self.service} may not join {group} in {self.environment}: {told}",
                help="deploy a build whose stubs read them: add them to `reads` in ownership.yaml, `contracts gen`",
            )

    def leave(self, member: Member) -> None:
        """A subscription has left its group."""
        with self._lock:
            self._part.leave(member)
        self._changed.set()

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """As :meth:`registry.serde.Fallback.find`: what the control records carry."""
        return self._part.find(event, writer)

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """As :meth:`registry.serde.Fallback.find_number`."""
        return self._part.find_number(event, number)

    def find_tally(self, event: str, writer: int, reader: int) -> Callable[[], object]:
        """What counts an event of one version that was read as another."""
        return self._part.find_tally(event, writer, reader).note

    # What people look at.

    @property
    def records(self) -> Mapping[str, ControlRecord]:
        """The records that are obeyed, by contract."""
        return MappingProxyType(dict(self._part.records))

    def describe(self) -> Heartbeat:
        """What the next heartbeat says."""
        # In this order: what waits in an outbox is counted after it is known what is written into it.
        with self._lock:
            found = self._part.describe()
            # Once for each member: they are compared with the members that the group has.
            groups = sorted([*self._groups, *(member.group for member in self._part.members)])
        return Heartbeat(
            environment=self.environment,
            service=self.service,
            instance=self.instance,
            build=self.build,
            groups=tuple(groups),
            started_at=self._started,
            observed_at=datetime.now(UTC),
            period=self._period,
            contracts=add_held(found, self._outboxes.ask()),
        )

    # From the beginning to the end.

    def open(self) -> None:
        """Begins: reads what is kept on disk, says that the instance is there, and reads the control topic to its end.

        Goes on without a broker. Does nothing where it has begun.
        """
        with self._lock:
            begins = self._thread is None
            if begins:
                self._begin()
        if not begins:
            self._ready.wait(self._patience)
            return
        if not self._catch_up(self._patience):
            LOG.warning("no broker tells how the rollouts of %s stand: it goes on with what is known", self.service)
        self._ready.set()

    def _begin(self) -> None:
        self._ended = False
        self._started = datetime.now(UTC)
        if self._settings is not None:
            self._beating = Beating(self._settings, self._period)
            self._following = Following(self._settings, self.environment, self._hear)
        self._believing.begin()
        self._thread = Thread(target=self._run, name="contracts-rollouts", daemon=True)
        self._thread.start()
        _OPEN.add(self)
        atexit.register(self.close)

    def close(self) -> None:
        """Says that the instance has left, and ends. Producers go on with the version that they write."""
        with self._lock:
            thread = self._thread
            if thread is None or self._stop.is_set():  # another thread closes it
                return
            self._stop.set()
            self._ended = True
        if thread is not current_thread():
            thread.join(self._patience + 2 * TICK)
        atexit.unregister(self.close)
        _OPEN.discard(self)
        with self._speaking:
            if self._beating is not None:
                if self._beating.arrives:
                    key = f"{self.environment}/{self.service}/{self.instance}"
                    self._beating.wait(self._beating.send(key, None), LAST)
                self._beating.close()
        if self._following is not None and not thread.is_alive():
            self._following.close()
        self._forget_threads()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # The thread.

    def _run(self) -> None:
        stop = self._stop
        while not stop.is_set():
            for turn in (self._listen, self._speak):  # whatever befalls the one, the other goes on
                try:
                    turn(stop)
                except Exception:
                    LOG.exception("following the rollouts of %s raised, and goes on", self.service)
                    stop.wait(1.0)

    def _listen(self, _: Event) -> None:
        following = self._following
        if self._asked > self._answered:
            number, caught_up = self._asked, False
            try:
                caught_up = following is None or following.read_to_end(self._patience)
            finally:  # somebody waits for an answer
                with self._news:
                    self._caught_up, self._answered = caught_up, number
                    self._news.notify_all()
        elif following is not None:
            following.turn(TICK)
        else:
            self._changed.wait(TICK)

    def _speak(self, stop: Event) -> None:
        now = monotonic()
        with self._lock:
            self._believing.look()
            settled = [each for each in self._part.writings.values() if each.look(now)]
        if not stop.is_set() and (settled or self._changed.is_set() or now >= self._due):
            self._changed.clear()
            self._beat(0.0)
        if (beating := self._beating) is not None and not stop.is_set():
            beating.turn()

    def _beat(self, patience: float) -> bool:
        """Sends a heartbeat; whether it was acknowledged within so many seconds. True where nobody could read it: there
        is no Kafka, or no topic for it."""
        with self._speaking:
            self._due = monotonic() + self._period
            beating = self._beating
            if beating is None:
                return self._settings is None
            if not (there := beating.find_topic(patience)):
                return there is False
            heartbeat = self.describe()
            number = beating.send(heartbeat.key, render_heartbeat(heartbeat))
        return patience > 0 and beating.wait(number, patience)

    def _catch_up(self, patience: float) -> bool:
        """Whether the control topic was read to the end that it had when this was called."""
        with self._news:
            self._asked += 1
            number = self._asked
            # The thread may be in the middle of reading for somebody else.
            done = self._news.wait_for(lambda: self._answered >= number, 2 * patience + 2 * TICK)
            return done and self._caught_up

    def _hear(self, contract: str, value: bytes) -> None:
        """A control record came."""
        with self._lock:
            self._believing.hear(contract, value)

    def _note_change(self) -> None:
        self._changed.set()

    def _leave_process(self) -> None:
        """What a forked child does: the thread and the clients stayed in the parent."""
        # Ending a client without its threads takes a second of waiting for them: they are kept instead.
        _ORPHANS.append((self._following, self._beating))
        self._forget_threads()
        self.instance = f"{self._named}-{os.getpid()}" if self._named else name_instance()
        self._part.begin_anew()


def _leave_all() -> None:
    for rollouts in list(_OPEN):
        rollouts._leave_process()
    _OPEN.clear()


os.register_at_fork(after_in_child=_leave_all)
