"""The door for Python callers. What is named in ``__all__`` is stable; everything behind it may move."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from registry.check import Options, check
from registry.compatibility import PROFILES, Comparison, compare_schemas
from registry.errors import Flaw, InvalidSchema, RegistryError
from registry.finding import Finding, Problem, Report, Severity
from registry.formats import FORMATS, load_format
from registry.formats.mismatch import Direction, Mismatch, Step
from registry.formats.witness import Witness
from registry.generation import Wish, read_plans, render_stubs
from registry.schema import CompatibilityMode, Schema
from registry.source import Location
from registry.witness import find_witness

__all__ = [
    "Comparison",
    "CompatibilityMode",
    "Direction",
    "Finding",
    "Flaw",
    "InvalidSchema",
    "Location",
    "Mismatch",
    "Options",
    "Problem",
    "RegistryError",
    "Report",
    "Severity",
    "Step",
    "Witness",
    "check",
    "compare",
    "find_witness",
    "generate",
]


def compare(
    old: str | Sequence[str],
    new: str,
    *,
    language: str,
    mode: str = "BACKWARD_TRANSITIVE",
    old_references: Mapping[str, str] | None = None,
    new_references: Mapping[str, str] | None = None,
    profile: str | None = None,
) -> Comparison:
    """Judge a schema against older ones.

    ``language`` is ``avro`` or ``protobuf``; ``old`` is one schema text or several, oldest first (a mode that is not
    transitive looks at the last); references map file names to texts. ``profile="confluent"`` adds what Confluent's
    registry rejects.

    Raises :class:`InvalidSchema`, with the position, where a text is no schema.
    """
    if language not in FORMATS:
        raise RegistryError(f"{language!r} is no schema language", f"it is one of {', '.join(FORMATS)}")
    if mode not in CompatibilityMode.__members__:
        known = ", ".join(CompatibilityMode.__members__)
        raise RegistryError(f"{mode!r} is no compatibility mode", f"it is one of {known}")
    if profile not in PROFILES:
        raise RegistryError(f"{profile!r} is no profile", f"it is one of {', '.join(filter(None, PROFILES))}, or None")
    olds = [old] if isinstance(old, str) else list(old)
    schema = _parse(new, "new", language, new_references)
    labels = ["old"] if len(olds) == 1 else [f"old {number}" for number in range(1, len(olds) + 1)]
    older = [(label, _parse(text, label, language, old_references)) for label, text in zip(labels, olds, strict=True)]
    return compare_schemas(CompatibilityMode(mode), ("new", schema), older, profile)


def generate(
    folder: Path, service: str, *, package: str = "events", root: str = "contracts", only: Sequence[str] = ()
) -> dict[str, str]:
    """The typed stubs of a service: path inside the package to text; nothing is written.

    ``folder`` lies in the repository of the contracts, ``root`` is the folder of the schemas in it, and ``only`` names
    events where not all are wanted. Raises :class:`InvalidSchema` where the schemas cannot have stubs, and
    :class:`RegistryError` where it cannot look, or for a service that is not known.
    """
    return render_stubs(read_plans(folder, Wish(service, root, tuple(only)), os.environ), package)


def _parse(text: str, label: str, language: str, references: Mapping[str, str] | None) -> Schema:
    path = label.replace(" ", "-") + FORMATS[language]
    return load_format(language).parse({**(references or {}), path: text}, [path])
