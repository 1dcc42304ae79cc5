"""What was last known of rollouts, on disk: what a service believes that starts while the control topic is gone."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from registry.kafka.observing import LOG
from registry.kafka.rollout.admission import find_newer
from registry.kafka.rollout.control import ControlRecord, control_key
from registry.kafka.rollout.documents import parse_control, render_control
from registry.kafka.rollout.errors import UnreadableDocument


def read_known(path: Path) -> Mapping[str, ControlRecord]:
    """The records by :func:`registry.kafka.rollout.control.control_key`; empty where there is no file.

    A file that is damaged is logged and ignored, and so is a record of a newer format.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        LOG.warning("%s, what was last known of rollouts, cannot be read and is ignored: %s", path, error)
        return {}
    return {control_key(each.environment, each.contract): each for each in find_records(text, str(path), {})}


def write_known(path: Path, records: Mapping[str, ControlRecord]) -> None:
    """Keeps these, beside what the file holds of others, unless that has a higher rank. What fails is logged.

    The file is replaced at once: who reads it meanwhile sees what was there before.
    """
    held = dict(read_known(path))
    for key, record in records.items():
        held[key] = find_newer(held.get(key), record) or record
    texts = ",\n".join(render_control(held[key]).rstrip() for key in sorted(held))
    beside = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(3).hex()}")  # several may keep theirs here
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as file:
            file.write(f'{{"records": [\n{texts}\n]}}\n')
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        LOG.warning("%s: what is known of rollouts cannot be kept: %s", path, error)
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def find_records(text: str, place: str, defaults: Mapping[str, object]) -> Iterator[ControlRecord]:
    """The records in a file: one object, a list of them, or ``{"records": [...]}``. What is none is logged."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        LOG.warning("%s is no JSON, and is ignored: %s", place, error)
        return
    if isinstance(found, dict) and "records" in found:
        found = found["records"]
    for each in found if isinstance(found, list) else [found]:
        try:
            yield parse_control(json.dumps({**defaults, **each} if isinstance(each, dict) else each))
        except UnreadableDocument as error:
            LOG.warning("%s: %s; it is passed over", place, error)
