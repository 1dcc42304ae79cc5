"""Three services on one cluster: an article is published, pages become stale, browsers drop them.

Each service is a process with a database of its own. One is killed, one has a bug; nothing is lost, and nothing is done
twice. `python story.py [mock|apache]`; the stubs come from `contracts gen`.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Condition, Thread

from registry.brokers import kind_of
from registry.kafka import find_steps, read_topics, render_steps

HERE = Path(__file__).resolve().parent
SERVICES = ("content-api", "edge-cache", "web-client")
TOPICS = ("content.items", "edge.cached-pages", "web-client.dead-letters")
FIRST, SECOND, THIRD = (f"5b0e1c9e-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
PATIENCE = 60.0
"""Seconds to wait for a line."""


class Service:
    """A service in a process of its own, whose lines are shown with its name."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._lines: list[str] = []
        self._news = Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", name.replace("-", "_"), *arguments],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line.rstrip("\n"))
                if line != "ready\n":
                    say(f"  {self.name:<12}{line.rstrip()}")
                self._news.notify_all()

    def tell(self, *words: str) -> None:
        """Writes a line to the service."""
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join(words) + "\n")
        self._process.stdin.flush()

    def wait_for(self, line: str, times: int = 1) -> None:
        """Waits until the service has said a line so many times. Ends the story where it does not."""
        with self._news:
            if not self._news.wait_for(lambda: self._lines.count(line) >= times, PATIENCE):
                sys.exit(f"{self.name} did not say {line!r}")

    def kill(self) -> None:
        """As a power failure would: nothing is said, nothing is finished."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Lets the service finish what it has in hand."""
        self._process.terminate()
        self.end()

    def end(self) -> None:
        """Nothing more is told to the service; waits until it has come to its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait(PATIENCE):
            sys.exit(f"{self.name} ended with {self._process.returncode}")


def say(text: str = "") -> None:
    """Print at once, so that our lines and the services' come in order."""
    print(text, flush=True)


def main() -> None:
    """From the outbox to the dead letter and back, on a cluster in this process or on a real Kafka."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "mock"
    packages = {service: service.replace("-", "_") for service in SERVICES}
    if missing := {name: package for name, package in packages.items() if not (HERE / package / "events").is_dir()}:
        sys.exit(
            "no stubs:\n"
            + "\n".join(
                f"  contracts gen --service {name} --out {HERE} --package {package}.events"
                for name, package in missing.items()
            )
        )
    with closing(kind_of(kind).start()) as broker, tempfile.TemporaryDirectory() as folder:
        broker.create_topics(dict.fromkeys(TOPICS, 2))
        with ExitStack() as ends:
            tell_story(broker.address, folder, ends)
        settings = {"bootstrap.servers": broker.address}
        say("\nWhat followed from what, as the headers in the topics tell it (`contracts trace`):\n")
        for request in (FIRST, SECOND, THIRD):
            for line in render_steps(request, find_steps(read_topics(settings, TOPICS), request)):
                say(f"  {line}")
            say()


def tell_story(broker: str, folder: str, ends: ExitStack) -> None:
    """Three articles: all goes well; a service is killed; a handler has a bug."""

    def start(name: str, *arguments: str) -> Service:
        service = Service(name, broker, *arguments)
        ends.callback(service.kill)  # where the story breaks off, no service stays behind
        return service

    content, edge, web = start("content-api", folder), start("edge-cache", folder), start("web-client")
    for service in (content, edge, web):
        service.wait_for("ready")

    say("An article is published. Its event is committed with it, and a relay sends it:")
    content.tell(FIRST, "item-1", "Old and new")
    web.wait_for("dropped /en-GB/old-and-new")

    say("\nedge-cache is killed, an article is published meanwhile, and edge-cache comes back:")
    edge.kill()
    content.tell(SECOND, "item-2", "Nobody noticed")
    content.wait_for("item-2: the article and its event are committed")
    edge = start("edge-cache", folder)
    web.wait_for("dropped /en-GB/nobody-noticed")

    say("\nweb-client has a bug: it tries three times, and puts the event aside. The others go on:")
    content.tell(THIRD, "item-3", "Really?")
    content.tell(FIRST, "item-1", "Old and newer")
    web.wait_for("dropped /en-GB/old-and-newer")
    web.wait_for("cannot drop /en-GB/really?", times=3)
    content.end()
    edge.stop()
    web.stop()

    say("\nThe bug is repaired, and the dead letter is handed to the same service again:")
    again = start("web-client", "--redrive")
    again.wait_for("dropped /en-GB/really?")
    again.end()


if __name__ == "__main__":
    main()
