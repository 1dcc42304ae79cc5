"""Which revision a change is compared with.

``--against`` and ``CONTRACTS_AGAINST`` name it exactly: a tag, an old release. A branch that is found here is met at
the merge-base, never at its tip, where the work of others would look like something taken back.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from registry.errors import NoBase, UnknownRevision
from registry.frozen import dataclass
from registry.git import Branch, Repo

REMOTE: Final = "origin"
"""The remote that CI systems clone from, and that ``git clone`` makes."""
_DEFAULT_BRANCHES: Final = ("main", "master")
_STEPS: Final = (50, 200, 1000, None)
"""How many commits each further fetch of a shallow clone asks for; at last all of them."""


@dataclass(frozen=True, slots=True)
class Base:
    """What to compare with."""

    commit: str
    """The full id; empty if there is nothing, and everything is new."""
    label: str
    """For people: ``main``, ``origin/main (merge-base 1a2b3c4)``."""
    reason: str
    """One clause: why this one."""


class System(NamedTuple):
    """What a CI system says of the change it builds, by the names of its variables."""

    name: str
    sign: str
    """Set wherever the system runs."""
    judged: str
    """The commit it builds: in a repository that does not hold it, the other variables are not meant."""
    commits: tuple[str, ...]
    """What to compare with, best first: the id of a commit; zeros for a new branch."""
    branches: tuple[str, ...]
    """The branch that a pull request goes into."""
    default: str
    """The default branch, for the first push of another."""
    current: str
    """The branch that is built."""
    advice: str
    """What to write where to have the whole history."""


SYSTEMS: Final = (
    System(
        "GitHub", "GITHUB_ACTIONS", "GITHUB_SHA", (), ("GITHUB_BASE_REF",), "", "GITHUB_REF_NAME",
        "add to the step with actions/checkout:  with: {fetch-depth: 0}",
    ),
    System(
        "GitLab", "GITLAB_CI", "CI_COMMIT_SHA", ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "CI_COMMIT_BEFORE_SHA"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME",), "CI_DEFAULT_BRANCH", "CI_COMMIT_BRANCH",
        "add to the job:  variables: {GIT_DEPTH: 0}",
    ),
    System(
        "Bitbucket", "BITBUCKET_BUILD_NUMBER", "BITBUCKET_COMMIT", ("BITBUCKET_PR_DESTINATION_COMMIT",),
        ("BITBUCKET_PR_DESTINATION_BRANCH",), "", "BITBUCKET_BRANCH", "add to the step:  clone: {depth: full}",
    ),
    System(
        "Buildkite", "BUILDKITE", "BUILDKITE_COMMIT", (), ("BUILDKITE_PULL_REQUEST_BASE_BRANCH",),
        "BUILDKITE_PIPELINE_DEFAULT_BRANCH", "BUILDKITE_BRANCH", "take --depth out of BUILDKITE_GIT_CLONE_FLAGS",
    ),
    System(
        "Azure Pipelines", "TF_BUILD", "BUILD_SOURCEVERSION", (), ("SYSTEM_PULLREQUEST_TARGETBRANCH",), "",
        "BUILD_SOURCEBRANCHNAME", "add to the steps:  - {checkout: self, fetchDepth: 0}",
    ),
    System(
        "CircleCI", "CIRCLECI", "CIRCLE_SHA1", (), (), "", "CIRCLE_BRANCH",  # it names no branch to compare with
        "add to the step checkout:  method: full",
    ),
    System(
        "Jenkins", "JENKINS_URL", "GIT_COMMIT", (), ("CHANGE_TARGET",), "", "BRANCH_NAME",
        "take the shallow clone out of the Git source of the job",
    ),
)  # fmt: skip
"""One row for each system, most used first."""


def find_base(
    repo: Repo,
    *,
    against: str | None,
    head: str,
    environment: Mapping[str, str],
    staged: bool = False,
    fetch: bool = False,
) -> Base:
    """What to compare ``head`` with (a full commit id; empty for the index and the work tree).

    ``--against``, ``CONTRACTS_AGAINST``, what the CI system says, the upstream, ``origin/HEAD``, ``main``: the first
    that there is. A ``staged`` change is compared with HEAD. If nothing is staged (:meth:`Repo.index_equals_head`),
    HEAD would let everything pass: ask again without ``staged``. On the branch one compares with, the base is HEAD
    itself, and only what is not committed is new.

    Raises :class:`UnknownRevision` for a name that means no commit, :class:`NoBase` where a base must exist and is not
    here (a shallow clone); with ``fetch`` it is fetched first.
    """
    if against is not None:
        return Base(_resolve(repo, against, fetch), against, "--against")
    if staged:
        return Base(repo.head, "HEAD", "what is staged") if repo.head else _nothing("there is no commit yet")
    named = environment.get("CONTRACTS_AGAINST", "")
    if named:
        return Base(_resolve(repo, named, fetch), named, "CONTRACTS_AGAINST")
    judged = head or repo.head
    if not judged:
        return _nothing("there is no commit yet")
    system = next((row for row in SYSTEMS if environment.get(row.sign)), None)
    meeting = _Meeting(repo, judged, system.advice if system else "", fetch)
    if system is not None and judged == repo.head:
        found = _find_github(meeting, environment) if system.name == "GitHub" else None
        found = found or _find_by_variables(meeting, system, environment)
        if found is not None:
            return found
    return _find_by_branches(meeting)


def _nothing(reason: str) -> Base:
    return Base("", "nothing", reason)


def _short(ref: str) -> str:
    return ref.split("/", 2)[2]


def _resolve(repo: Repo, name: str, fetch: bool) -> str:
    """The commit of a name that the user gave, exactly."""
    try:
        return repo.resolve(name)
    except UnknownRevision:
        if not fetch or name.startswith("-"):
            raise
        branch = name.removeprefix(f"{REMOTE}/")
        full = f"refs/tags/{name}" if branch == name else f"refs/heads/{branch}"
        here = full if branch == name else f"refs/remotes/{name}"
        repo.deepen(REMOTE, f"+{full}:{here}", by=1)
        return repo.resolve(name)


class _Meeting(NamedTuple):
    """Where the judged commit and another branch meet."""

    repo: Repo
    judged: str
    advice: str
    """What to change in the CI system to have the whole history."""
    fetch: bool

    def with_branch(self, ref: str, reason: str) -> Base:
        """Meet a branch by its full name (``refs/remotes/origin/main``), which is fetched if need be."""
        remote, _, branch = _short(ref).partition("/")
        refspec = f"+refs/heads/{branch}:{ref}" if ref.startswith("refs/remotes/") else ref
        if not self.repo.ref_exists(ref):
            if not self.fetch:
                raise NoBase(f"there is no {_short(ref)} in this clone to compare with", self._explain(remote, refspec))
            self.repo.deepen(remote, refspec, by=_STEPS[0])
        return self.with_commit(self.repo.resolve(ref), _short(ref), reason, refspec)

    def with_commit(self, commit: str, label: str, reason: str, refspec: str = "") -> Base:
        """Meet a commit by its full id, which is fetched if need be."""
        if not self.repo.holds(commit):
            if not self.fetch:
                fact = f"the commit to compare with, {commit[:10]} ({reason}), is not in this clone"
                raise NoBase(fact, self._explain(REMOTE, commit))
            self.repo.deepen(REMOTE, commit, by=_STEPS[0])
        met = self.repo.merge_base(commit, self.judged)
        if met is None and self.fetch:
            met = self._deepen(commit, refspec or commit)
        if met is not None:
            return Base(met, label if met == commit else f"{label} (merge-base {met[:7]})", reason)
        if self.repo.shallow:
            fact = f"this clone is too shallow to say where the change left {label}"
            raise NoBase(fact, self._explain(REMOTE, refspec or commit))
        raise NoBase(
            f"the change and {label} have no commit in common", f"name what to compare with: --against {label}"
        )

    def _deepen(self, commit: str, refspec: str) -> str | None:
        """Fetch more and more history of both sides until they meet; a fetch deepens only the side it names."""
        for step in _STEPS:
            if not self.repo.shallow:
                break
            self.repo.deepen(REMOTE, refspec, by=step)
            with suppress(NoBase):  # a commit that was never pushed has nothing more to fetch
                self.repo.deepen(REMOTE, self.judged, by=step)
            met = self.repo.merge_base(commit, self.judged)
            if met is not None:
                return met
        return self.repo.merge_base(commit, self.judged)

    def _explain(self, remote: str, refspec: str) -> str:
        if not self.repo.shallow:
            return f"git fetch {remote} {refspec}  brings it; so does --fetch"
        return f"{self.advice or 'git fetch --unshallow  brings the history'}; or pass --fetch"


def _is_zero(commit: str) -> bool:
    return set(commit) == {"0"}


def _find_by_variables(meeting: _Meeting, system: System, environment: Mapping[str, str]) -> Base | None:
    """What the variables of a CI system say; ``None`` if they say nothing, or speak of another repository."""
    built = environment.get(system.judged, "")
    if built.isalnum() and len(built) >= len(meeting.judged) and not meeting.repo.holds(built):
        return None
    commits = [environment[name] for name in system.commits if environment.get(name)]
    branches = [environment[name].removeprefix("refs/heads/") for name in system.branches if environment.get(name)]
    given = [commit for commit in commits if not _is_zero(commit)]
    reason = f"{system.name} names it"
    for commit in given:
        with suppress(UnknownRevision):  # not fetched: the branch may be here
            full = meeting.repo.resolve(commit)
            return meeting.with_commit(full, _label(branches, full), reason)
    for branch in branches:
        return meeting.with_branch(f"refs/remotes/{REMOTE}/{branch}", f"{system.name}: the branch it goes into")
    if given:
        return meeting.with_commit(given[0], _label([], given[0]), reason)
    if commits and environment.get(system.default):
        return _find_first_push(meeting, environment[system.default], environment.get(system.current, ""))
    return None


def _label(branches: list[str], commit: str) -> str:
    return branches[0] if branches else commit[:10]


def _find_first_push(meeting: _Meeting, default: str, current: str) -> Base:
    """A branch that was not there before: what it has beyond the default branch."""
    if default == current:
        return _nothing(f"the first push of {default}")
    return meeting.with_branch(f"refs/remotes/{REMOTE}/{default}", "the first push of a branch")


def _find_github(meeting: _Meeting, environment: Mapping[str, str]) -> Base | None:
    """What GitHub says: by the merge commit it made of a pull request, or by the event."""
    repo, judged = meeting.repo, meeting.judged
    name, built = environment.get("GITHUB_EVENT_NAME", ""), environment.get("GITHUB_SHA", "")
    target = environment.get("GITHUB_BASE_REF", "")
    if name.startswith("pull_request") and name != "pull_request_target" and judged == built:
        parents = repo.parents(judged)
        if len(parents) == 2:
            return _find_first_parent(meeting, parents[0], target or parents[0][:10])
    event = _read_event(environment) if name in _EVENTS else {}
    change = _step(event, "pull_request", "head", "sha")
    if judged not in (built, change) and not repo.holds(built):
        return None  # another repository than the one that the event is about
    if name == "pull_request_target" and judged == built:
        raise NoBase(
            "pull_request_target has checked out the base, so the pull request itself would not be judged",
            "use  on: pull_request, or check out  ref: ${{ github.event.pull_request.head.sha }}",
        )
    commit = _step(event, *_EVENTS.get(name, ("",)))
    if not commit:
        return None
    if _is_zero(commit):
        default = _step(event, "repository", "default_branch") or _DEFAULT_BRANCHES[0]
        return _find_first_push(meeting, default, environment.get("GITHUB_REF", "").removeprefix("refs/heads/"))
    return meeting.with_commit(commit, target or commit[:10], f"GitHub {name.replace('_', ' ')}")


_EVENTS: Final = {
    "push": ("before",),
    "merge_group": ("merge_group", "base_sha"),
    "pull_request": ("pull_request", "base", "sha"),
    "pull_request_review": ("pull_request", "base", "sha"),
    "pull_request_target": ("pull_request", "base", "sha"),
}
"""Where the event of each kind names the commit before the change."""


def _find_first_parent(meeting: _Meeting, parent: str, label: str) -> Base:
    """GitHub merges the pull request into its base: the first parent is the base, as the merge saw it."""
    if not meeting.repo.holds(parent):
        if not meeting.fetch:
            raise NoBase(
                "this clone holds only the merge commit of the pull request, not its base",
                "add to the step with actions/checkout:  with: {fetch-depth: 2}; or pass --fetch",
            )
        meeting.repo.deepen(REMOTE, meeting.judged, by=1)
    return Base(parent, label, "GitHub pull request")


def _read_event(environment: Mapping[str, str]) -> object:
    """The event that started the workflow. Raises :class:`NoBase`, because a guess could let a change pass."""
    import json

    path = environment.get("GITHUB_EVENT_PATH", "")
    try:
        with open(path, encoding="utf-8") as file:
            event: object = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        fact = f"GITHUB_EVENT_PATH, which names the base, cannot be read: {type(error).__name__}"
        raise NoBase(fact, "name what to compare with: --against REVISION") from None
    return event


def _step(event: object, *keys: str) -> str:
    """A text somewhere in the event; empty if it is not there."""
    for key in keys:
        event = event.get(key) if isinstance(event, dict) else None
    return event if isinstance(event, str) else ""


def _find_by_branches(meeting: _Meeting) -> Base:
    """No one has named a base: the branch this one came from, as far as git knows."""
    branches = meeting.repo.read_branches()
    current = next((branch for branch in branches.values() if branch.current), None)
    if meeting.judged != meeting.repo.head:
        current = None
    for ref, reason in _find_candidates(branches, current, shallow=meeting.repo.shallow):
        if current is not None and ref == current.ref:
            return Base(meeting.judged, "HEAD", f"{_short(ref)} is checked out")
        if ref in branches:
            return meeting.with_branch(ref, reason)
    if meeting.repo.shallow:
        ways = meeting.advice or f"git remote set-branches {REMOTE} '*' && git fetch --unshallow  brings the others"
        raise NoBase("this shallow clone holds no branch to compare with", ways)
    if any(ref != current.ref for ref in branches) if current is not None else branches:
        ways = f"name what to compare with: --against REVISION; or git remote set-head {REMOTE} --auto"
        raise NoBase("neither an upstream nor origin/HEAD, main or master says what to compare with", ways)
    return Base(meeting.judged, "HEAD", "there is no other branch")


def _find_candidates(
    branches: Mapping[str, Branch], current: Branch | None, *, shallow: bool
) -> Iterator[tuple[str, str]]:
    """Full names of branches to compare with, best first, each with the reason; some may not exist."""
    followed = current.upstream if current is not None else ""
    # A branch usually follows its own copy on the remote. To compare with that would hide what is pushed already.
    own = current is not None and followed == f"refs/remotes/{REMOTE}/{_short(current.ref)}"
    if followed and not own:
        yield followed, "merge-base with the upstream"
    default = branches.get(f"refs/remotes/{REMOTE}/HEAD")
    if default is not None:
        yield default.target or default.ref, "merge-base with origin/HEAD"
    for name in _DEFAULT_BRANCHES:
        yield f"refs/remotes/{REMOTE}/{name}", f"merge-base with origin/{name}"
    for name in _DEFAULT_BRANCHES:
        yield f"refs/heads/{name}", f"merge-base with {name}"
    if own and not shallow:  # a shallow clone may hold one branch of many, and would find nothing new in any of them
        yield followed, "merge-base with the upstream"
