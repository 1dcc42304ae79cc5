"""Apache Kafka's own files: fetched once by Maven into the user's cache folder, used offline afterwards."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from registry.brokers.broker import BrokerError
from registry.cache import cache_folder

VERSION: Final = "4.1.1"
SCALA: Final = "2.13"
SLF4J: Final = "1.7.36"
"""What Kafka logs through; without one of its outlets a broker dies without a word."""
JAVA: Final = 17
"""The oldest Java that Kafka 4 runs on (KIP-750)."""

POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>event-contracts</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_{SCALA}</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>{SLF4J}</version></dependency>
  </dependencies>
</project>
"""

_PATIENCE: Final = 600.0
"""Seconds for 43 MB over a slow line."""


def find_missing() -> BrokerError | None:
    """Java, or Maven where it is still needed, if they are not there."""
    java, install = java_program(), f"install Java {JAVA} or newer"
    if shutil.which(java) is None:
        hint = install if java == "java" else f"JAVA_HOME has no {java}: {install}"
        return BrokerError("missing: Java, which Apache Kafka runs on", hint)
    version = java_version(java)
    if version < JAVA:
        return BrokerError(f"Java {version} is too old for Apache Kafka {VERSION}", install)
    if not libraries().is_dir() and shutil.which("mvn") is None:
        return BrokerError("missing: Maven (mvn), which fetches Apache Kafka once", "install Maven 3.6 or newer")
    return None


def java_program() -> str:
    """The Java of ``JAVA_HOME``, or the one in ``PATH``."""
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin", "java") if home else "java"


def java_version(java: str) -> int:
    """The first number of Java's version; 0 where it does not say."""
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


def libraries() -> Path:
    """The folder of the jars, which is there only when it is complete."""
    return Path(cache_folder(os.environ)) / f"kafka-{VERSION}"


def fetch_libraries(tell: Callable[[str], object]) -> Path:
    """The folder of the jars, fetched if it is not there yet; of two processes at once, the second waits.

    Raises :class:`BrokerError`.
    """
    folder = libraries()
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{folder}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Maven's own folder is not made for two at a time
            if not folder.is_dir():
                tell(f"fetching Apache Kafka {VERSION} with Maven into {folder} (43 MB, once)")
                _fetch(folder)
    except OSError as error:
        fact = f"Apache Kafka cannot be kept in {folder.parent}: {error.strerror}"
        raise BrokerError(fact, "XDG_CACHE_HOME names another folder") from error
    return folder


def _fetch(folder: Path) -> None:
    work = Path(mkdtemp(prefix=folder.name, dir=folder.parent))
    try:
        (work / "pom.xml").write_text(POM)
        command = ["mvn", "-B", "-q", "dependency:copy-dependencies", f"-DoutputDirectory={work / 'libs'}"]
        try:
            done = subprocess.run(
                command, cwd=work, capture_output=True, text=True, check=False, timeout=_PATIENCE, errors="replace"
            )
        except subprocess.TimeoutExpired as error:
            raise BrokerError(f"Maven did not fetch Apache Kafka {VERSION} within {_PATIENCE:g} s") from error
        if done.returncode:
            raise BrokerError(f"Maven could not fetch Apache Kafka {VERSION}: {_reason(done.stdout + done.stderr)}")
        os.rename(work / "libs", folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _reason(said: str) -> str:
    """The first error of Maven's many lines, without its colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    lines = [line.removeprefix("[ERROR]").strip() for line in plain.splitlines() if line.startswith("[ERROR]")]
    return lines[0] if lines else plain.strip()[-200:] or "it said nothing"
