"""Schema files to one :class:`~registry.schema.Schema`.

Two passes: first every name that the files define, then the types, so that neither the order of files nor of
definitions matters. Named types are built from a worklist, and a chain of them is as long as it likes to be; inside one
definition the depth of JSON is the limit (:data:`registry.formats.avro.json_text.MAX_DEPTH`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from registry.errors import Fix, Flaw, InvalidSchema
from registry.formats.avro.build import Build
from registry.formats.avro.circles import find_circles
from registry.formats.avro.defaults import MAX_DEFAULT_DEPTH, Defaults
from registry.formats.avro.endless import find_endless
from registry.formats.avro.json_text import nests_deeper
from registry.formats.avro.named import build_wanted
from registry.formats.avro.names_in_files import NamesInFiles
from registry.formats.avro.words import describe
from registry.frozen import replace
from registry.schema import Schema, Union
from registry.source import Location


def parse(
    files: Mapping[str, str],
    paths: Sequence[str],
    name: str | None = None,
    *,
    strict: bool = True,
    folder: str = "",
) -> Schema:
    """The schema of the first of ``paths``, or of ``name``, which that file must define.

    ``files`` holds the text of each file by path, with all they refer to; references resolve among them. ``folder``
    stands before each path in locations. Without ``strict``, a bad default, files that refer to each other in a circle
    and a primitive's name inside a namespace are notes. Raises :class:`InvalidSchema` with every flaw, in the order of
    the text.
    """
    if folder:
        files, paths = {folder + path: text for path, text in files.items()}, [folder + path for path in paths]
    names = NamesInFiles(files)
    if len(names.roots) < len(files):  # what an unreadable file defines would be missing everywhere else
        _refuse(names.flaws)
    build = Build(names)
    root = build.root(paths[0], name)
    build_wanted(build)
    reachable = tuple(build.types)
    # The rest of the files asked for is nobody else's to judge.
    for place in names.definitions.values():
        if place.at.path in paths:
            build.want(place)
    build_wanted(build)
    flaws = build.flaws
    softer = [*names.softer, *find_circles(build.references)]
    if not flaws:
        _judge_defaults(build, softer)
    if flaws or (strict and softer):
        _refuse([*flaws, *softer] if strict else flaws)
    notes = build.notes + [replace(flaw, kind="note") for flaw in softer]
    types = {full_name: build.types[full_name] for full_name in reachable}
    return Schema("avro", (root,), MappingProxyType(types), tuple(notes))


def _refuse(flaws: list[Flaw]) -> None:
    raise InvalidSchema(sorted(flaws, key=lambda flaw: (flaw.location.path, flaw.location.line, flaw.location.column)))


def _judge_defaults(build: Build, softer: list[Flaw]) -> None:
    """Default values are judged last, when every type is known."""
    defaults = Defaults(build.types)
    sound = True
    for field in build.defaulted:
        at = field.at.at("default")
        if nests_deeper(field.default, MAX_DEFAULT_DEPTH):
            build.flaw(f"the default of '{field.name}' nests deeper than {MAX_DEFAULT_DEPTH} levels", at)
            sound = False
            continue
        fault = defaults.find_fault(field.type, field.default)
        if fault is not None:
            place = Location(at.path, at.pointer + fault.pointer, at.find)
            words = describe(field.type, build.types)
            message = f"the default of '{field.name}' does not fit {words}: {fault.message}"
            softer.append(Flaw("invalid", message, place, "write a default of that type, or remove it"))
            sound = False
        elif isinstance(field.type, Union) and (i := defaults.fitting_branch(field.type, field.default)):
            branch = describe(field.type.branches[i], build.types)
            message = f"the default of '{field.name}' fits {branch}, which is not the first branch of its union"
            help_ = f"put {branch} first: readers older than Avro 1.12, and Python's, look only there"
            build.note(message, at, help_, Fix("first_branch", (field.name, branch, str(i))))
    for field in find_endless(build.types, defaults) if sound else ():
        message = f"the default of '{field.name}' contains itself: no reader can make it"
        softer.append(Flaw("invalid", message, field.at.at("default"), "write out what the default leaves out"))
