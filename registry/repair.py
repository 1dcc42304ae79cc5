"""Findings whose way out is mechanical, as edits of the files: `contracts check --diff` and `--fix`.

What may be mended so is decided where it is found (:class:`registry.errors.Fix`); how, the language knows (``EDITS`` in
``registry.formats.<language>.repair``, each with the reason why nobody need be asked). Here edits are tried before
anything is written: the edited tree is judged, and an edit stays only if its finding is gone and no other came.
"""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from difflib import unified_diff
from hashlib import new as new_hash
from importlib import import_module
from tempfile import mkstemp
from typing import Final, Protocol, cast

from registry.catalog import Shelf, layout_of, read_catalog
from registry.change import Reader
from registry.check import UNRELEASED, Options, judge, read_snapshots, show
from registry.discovery import encode_path, read_bytes, show_name
from registry.errors import Fix, InvalidSchema, Refused
from registry.finding import Finding, Report
from registry.formats import format_of
from registry.formats.edit import Edit, Row, apply_edits, find_offset
from registry.frozen import dataclass, replace
from registry.git import Entry, Repo, Snapshot, open_repo
from registry.source import Location
from registry.text import decode_schema

MOST_TRIALS: Final = 50
"""Edits that are tried one by one where not all of them hold; what is beyond is for the next run."""

Key = tuple[str, str, str]
"""Rule, path and message of a finding, without positions: lines move when a file is edited."""
_POSITION: Final = re.compile(r":\d+:\d+")


class _Language(Protocol):
    """The module ``repair`` of a schema language."""

    EDITS: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class Repair:
    """One mechanical way out."""

    location: Location
    """Of the finding, in the text before any edit."""
    done: str
    """``gave 'note' the default null``."""
    edits: tuple[Edit, ...]
    mends: tuple[Key, ...]
    line: int = 0
    """Where the edit stands in the text after all of them."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """What can be mended, tried out and not yet written."""

    repairs: tuple[Repair, ...]
    texts: Mapping[str, tuple[str, str]]
    """Of each file that is edited, by its path from the top: the text as it lies there, and as it is to be."""
    left: Report
    """What the check says afterwards. The index stays as it is: with ``--staged`` it says what it said."""
    skipped: tuple[Location, ...] = ()
    """Where an edit was thought of and not made, because it does not hold."""
    top: str = ""


def find_repairs(
    report: Report, start: str | os.PathLike[str], options: Options, environment: Mapping[str, str], today: date
) -> Repairs:
    """What of a report of the work tree, or of the index, can be mended; nothing is written.

    Raises :class:`Refused` where a revision was judged that cannot be edited, and where the index holds another text of
    a file than the work tree.
    """
    if options.head is not None:
        raise Refused("--head judges a commit, and a commit cannot be edited", "leave out --head: switch to it first")
    wanted = [finding for finding in report.findings if finding.fixable]
    if not wanted:
        return Repairs((), {}, report)
    with open_repo(start) as repo:
        if repo.bare:
            raise Refused("a bare repository has no files to edit", "run it in a clone")
        trials = _Trials(repo, report, options, environment, today)
        found = _hold_only(trials, list(_find_proposals(trials, wanted)))
        texts = trials.edit(found)
        mended = {key for repair in found for key in repair.mends}
        return Repairs(
            repairs=tuple(_find_lines(found, texts)),
            texts={path: (trials.texts[path], text) for path, text in texts.items()},
            left=show(trials.judge(found)) if found and not options.staged else report,
            skipped=tuple(finding.problem.location for finding in wanted if _key(finding) not in mended),
            top=repo.top,
        )


class _Trials:
    """Both revisions of a check, and what the check says of the newer one after edits."""

    def __init__(
        self, repo: Repo, report: Report, options: Options, environment: Mapping[str, str], today: date
    ) -> None:
        self._repo, self._options, self._today = repo, options, today
        self._layout = layout_of(options.root)
        self._shelf = Shelf(repo, environment)
        base, self._head = read_snapshots(repo, self._layout, options, environment)
        self._before = read_catalog(self._shelf, base, self._layout)
        self._reader = Reader(self._shelf)
        # What is not asked about must not get worse either.
        self._counts = _count(report if not options.only else self._judge({}, replace(options, only=())))
        self.texts: dict[str, str] = {}
        """Each file that may be edited as it lies in the work tree, line ends included."""

    def read_text(self, path: str) -> str | None:
        """A file of the work tree; ``None`` where it is none of ours to edit, or is not what was judged."""
        entry = self._head.entries.get(path)
        if entry is None or entry.mode not in ("100644", "100755") or path.startswith(self._layout.versions):
            return None
        if path not in self.texts:
            text = _read_file(self._repo.top, path)
            self._shelf.fetch(self._head, [path])
            judged = self._shelf.read_schema(path, entry.blob)
            if text is None or text.replace("\r\n", "\n") != judged:
                if self._options.staged:
                    raise Refused(
                        f"{show_name(path)} is staged with another text than it has in the work tree",
                        f"stage it as it is (git add -- {show_name(path)}), or run it without --staged",
                    )
                return None  # a filter of .gitattributes stands between the two, or a link
            self.texts[path] = text
        return self.texts[path]

    def edit(self, repairs: Sequence[Repair]) -> dict[str, str]:
        """The texts after some repairs; a file in which two of them overlap is left out."""
        edits: dict[str, list[Edit]] = {}
        for repair in repairs:
            edits.setdefault(repair.location.path, []).extend(repair.edits)
        edited = {path: apply_edits(self.texts[path], each) for path, each in edits.items()}
        return {path: text for path, text in edited.items() if text is not None}

    def judge(self, repairs: Sequence[Repair]) -> Report:
        """What the check says after some repairs."""
        return self._judge(self.edit(repairs), self._options)

    def _judge(self, texts: Mapping[str, str], options: Options) -> Report:
        head = _overlay(self._head, texts, self._repo.object_format)
        after = read_catalog(self._shelf, head, self._layout)
        return judge(self._reader, self._before, after, options, self._today)

    def hold(self, repairs: Sequence[Repair]) -> bool:
        """Whether all that the repairs mend is gone, and nothing came; that a release is due is no wonder."""
        edited = self.edit(repairs)
        if len(edited) < len({repair.location.path for repair in repairs}):
            return False
        expected = self._counts.copy()
        expected.subtract(key for repair in repairs for key in repair.mends)
        now = _count(self._judge(edited, replace(self._options, only=())))
        return all(count <= expected[key] for key, count in now.items() if key[0] != UNRELEASED)


def _key(finding: Finding) -> Key:
    return finding.rule, finding.problem.location.path, _POSITION.sub("", finding.problem.message)


def _count(report: Report) -> Counter[Key]:
    return Counter(map(_key, report.findings))


def _read_file(top: str, path: str) -> str | None:
    """The text of a file, whose line ends stay as they are; ``None`` for what is reached through a link."""
    place = os.fsencode(top)
    for name in encode_path(path).split(b"/"):
        place = os.path.join(place, name)
        if os.path.islink(place):
            return None
    try:
        data = read_bytes(place)
        decode_schema(path, data)
        return data.decode()
    except (OSError, InvalidSchema):
        return None


def _overlay(head: Snapshot, texts: Mapping[str, str], object_format: str) -> Snapshot:
    """The snapshot with other texts in some files."""
    entries, contents = dict(head.entries), dict(head.contents)
    for path, text in texts.items():
        data = text.encode()
        blob = new_hash(object_format, b"blob %d\0" % len(data) + data).hexdigest()
        entries[path] = Entry(path, head.entries[path].mode, blob)
        contents[blob] = data
    return replace(head, entries=entries, contents=contents)


def _find_proposals(trials: _Trials, findings: Sequence[Finding]) -> Iterator[Repair]:
    """A repair for each finding that its language knows to mend; two findings of one edit have one repair."""
    proposals: dict[tuple[str, tuple[Edit, ...]], Repair] = {}
    for finding in findings:
        location, fix = finding.problem.location, finding.problem.fix
        text = trials.read_text(location.path)
        if text is None or fix is None:
            continue
        row = _find_row(location.path, fix)
        edits = tuple(row.find(text, find_offset(text, location.line, location.column), fix.words))
        if not edits:
            continue
        done = row.done.format(*fix.words, all=" ".join(fix.words))
        repair = Repair(location, done, edits, (_key(finding),))
        first = proposals.setdefault((location.path, edits), repair)
        if first is not repair:
            proposals[location.path, edits] = replace(first, mends=(*first.mends, *repair.mends))
    yield from proposals.values()


def _find_row(path: str, fix: Fix) -> Row:
    module = import_module(f"registry.formats.{format_of(path) or 'avro'}.repair")
    return cast(_Language, module).EDITS[fix.edit]


def _hold_only(trials: _Trials, proposals: Sequence[Repair]) -> list[Repair]:
    """The proposals that hold together: all at once if they do, else each that holds with those before it."""
    if not proposals or trials.hold(proposals):
        return list(proposals)
    held: list[Repair] = []
    for proposal in proposals[:MOST_TRIALS]:
        if trials.hold([*held, proposal]):
            held.append(proposal)
    return held


def _find_lines(repairs: Sequence[Repair], texts: Mapping[str, str]) -> Iterator[Repair]:
    for repair in repairs:
        path, start = repair.location.path, min(edit.start for edit in repair.edits)
        before = (edit for each in repairs if each.location.path == path for edit in each.edits if edit.start < start)
        moved = start + sum(len(edit.text) - (edit.end - edit.start) for edit in before)
        yield replace(repair, line=texts[path].count("\n", 0, moved) + 1)


def render_patch(repairs: Repairs) -> str:
    """A unified diff as `git apply` takes it at the top of the repository; empty where there is nothing to repair."""
    return "".join(_render_file(path, *texts) for path, texts in sorted(repairs.texts.items()))


def _render_file(path: str, before: str, after: str) -> str:
    names = [_quote(f"{side}/{path}") for side in ("a", "b")]
    # Only a line feed ends a line: to splitlines() a form feed would do as well, and git does not know that.
    lines = unified_diff(_split(before), _split(after), names[0], names[1])
    whole = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"diff --git {names[0]} {names[1]}\n{whole}"


def _split(text: str) -> list[str]:
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [line for line in text.split("\n")[-1:] if line]


def _quote(path: str) -> str:
    """A path as git writes it in a diff: in quotes, in the manner of C, where it would end too soon otherwise."""
    if not any(sign < " " or sign in '"\\\x7f' for sign in path):
        return path
    plain = "".join(f"\\{ord(sign):03o}" if sign < " " or sign in '"\\\x7f' else sign for sign in path)
    return f'"{plain}"'


def write_repairs(repairs: Repairs) -> None:
    """Write every file that is edited, or none: all new texts lie beside the old ones before the first is replaced.

    Raises :class:`Refused` where a file cannot be written, or changed meanwhile.
    """
    beside: dict[str, bytes] = {}
    replaced: list[str] = []
    path = ""
    try:
        for path, (before, after) in repairs.texts.items():
            if _read_file(repairs.top, path) != before:
                raise Refused(f"{show_name(path)} changed while it was judged", "nothing was fixed; run it again")
            place = _place(repairs.top, path)
            with open(place, "r+b"):  # a folder that may be written says nothing of a file that may not
                file, beside[path] = mkstemp(prefix=b".new-", dir=os.path.dirname(place))
            with open(file, "wb") as new:
                new.write(after.encode())
            os.chmod(beside[path], os.stat(place).st_mode & 0o7777)
        for path in repairs.texts:
            os.replace(beside[path], _place(repairs.top, path))
            replaced.append(path)
    except OSError as error:
        fact = f"{show_name(path)} cannot be written: {error.strerror}"
        done = f"only {' and '.join(map(show_name, replaced))} was fixed" if replaced else "nothing was fixed"
        raise Refused(fact, f"{done}; free the way and run it again") from None
    finally:
        for path, place in beside.items():
            if path not in replaced:
                with suppress(OSError):
                    os.unlink(place)


def _place(top: str, path: str) -> bytes:
    return os.path.join(os.fsencode(top), encode_path(path))
