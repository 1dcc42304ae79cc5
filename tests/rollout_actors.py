"""Several operators at once, one step at a time: each runs in a thread of its own, and only while a test lets it.

An actor stands still before and after everything it does to the journal and to a cluster. So a test, or hypothesis,
says who goes next, who waits, and who is killed where.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock, Thread
from typing import Any

from registry.errors import RegistryError
from tests.rollout_journal import MemoryJournal
from tests.rollout_world import World


class Killed(BaseException):
    """SIGKILL: nothing of the program runs after it."""


class Actor:
    """Somebody with one command under way."""

    def __init__(self, world: World, by: str) -> None:
        self.world, self.by = world, by
        self.result: Any = None
        self.error: RegistryError | None = None
        self.place = ""
        """Where it stands still."""
        self.until: datetime | None = None
        """It waits for a time; before that it cannot go on."""
        self._mine, self._theirs = Lock(), Lock()
        self._mine.acquire()
        self._theirs.acquire()
        self._thread: Thread | None = None
        self._killed = False
        self._failure: BaseException | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None

    def begin(self, command: Callable[[Any], Any]) -> None:
        """Starts a command, which stands still before it has done anything. ``command`` is given the operator."""
        assert not self.busy
        self.result, self.error, self.until, self.place, self._killed = None, None, None, "beginning", False
        operator = self.world.operator(
            self.by,
            at=self.pause,
            wait=self._wait,
            journal=Watched(
                MemoryJournal(self.by, shared=self.world.journal), "journal", self.pause, ("read", "write")
            ),
            brokers={name: WatchedBroker(each, self.pause) for name, each in self.world.clusters.items()},
        )
        self._thread = Thread(target=self._run, args=(command, operator), daemon=True)
        self._thread.start()

    def _run(self, command: Callable[[Any], Any], operator: Any) -> None:
        self._mine.acquire()
        try:
            if not self._killed:
                self.result = command(operator)
        except Killed:
            pass
        except RegistryError as error:
            self.error = error
        except BaseException as error:  # a fault of the program: the test is told, not the thread
            self._failure = error
        self._thread = None
        self._theirs.release()

    def pause(self, place: str) -> None:
        """What the actor's own thread calls: here it stands still."""
        self.place = place
        self._theirs.release()
        self._mine.acquire()
        if self._killed:
            raise Killed

    def _wait(self, seconds: float) -> None:
        self.until = self.world.clock() + timedelta(seconds=seconds)
        while self.world.clock() < self.until:
            self.pause("waiting")
            if not self.until:
                break
        self.until = None

    @property
    def waits(self) -> bool:
        """Whether nothing but time lets it go on."""
        return self.until is not None and self.world.clock() < self.until

    def go_on(self) -> bool:
        """Lets it go to its next place; whether it is still busy."""
        if self.busy:
            self._mine.release()
            self._theirs.acquire()
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
        return self.busy

    def finish(self) -> "Actor":
        """Lets it go to its end; time passes where it waits, and the services live."""
        while self.busy:
            if self.waits and self.until is not None:
                self.world.live((self.until - self.world.clock()).total_seconds())
            self.go_on()
        return self

    def kill(self) -> None:
        """SIGKILL where it stands."""
        if self.busy:
            self._killed = True
            self.go_on()


class Watched:
    """A journal, or anything else, of which some methods are places to stand still: before and after."""

    def __init__(self, inner: Any, name: str, pause: Callable[[str], None], methods: tuple[str, ...] = ()) -> None:
        self._inner, self._name, self._pause, self._methods = inner, name, pause, methods

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._inner, attribute)
        if not callable(found) or (self._methods and attribute not in self._methods):
            return found

        def call(*arguments: Any, **more: Any) -> Any:
            self._pause(f"before {self._name}.{attribute}")
            answer = found(*arguments, **more)
            if attribute in {"write", "publish"}:
                self._pause(f"after {self._name}.{attribute}")
            return answer

        return call


class WatchedBroker(Watched):
    """A cluster in which publishing is a place to stand still, too."""

    def __init__(self, inner: Any, pause: Callable[[str], None]) -> None:
        super().__init__(inner, inner.name, pause)

    @contextmanager
    def open_control(self, environment: str, contract: str) -> Iterator[Watched]:
        self._pause(f"before {self._name}.open_control")
        with self._inner.open_control(environment, contract) as writer:
            yield Watched(writer, self._name, self._pause)
