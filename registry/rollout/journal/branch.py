"""The branch that the journal is kept on: where its tip is, and how it is moved, with a remote and without one."""

from typing import Final

from registry.discovery import show_name
from registry.errors import Refused, Unreadable
from registry.rollout.journal.plumbing import Answer, Plumbing, Ref

BRANCH: Final = "contracts-state"
REF: Final = f"refs/heads/{BRANCH}"
_FETCHES: Final = 3
"""How often a branch is fetched that another process of this clone fetches as well."""


class Branch:
    """The branch ``contracts-state`` of a repository and, where it is shared, of a remote.

    The remote's counts then: the local one follows it, so that ``git show contracts-state`` shows the newest.
    """

    __slots__ = ("_plumbing", "_remote")

    def __init__(self, plumbing: Plumbing, remote: str | None) -> None:
        self._plumbing = plumbing
        self._remote = remote

    @property
    def remote(self) -> str:
        """The remote that the branch is shared by; empty where it is not. Raises :class:`Unreadable`.

        That is the one of ``branch.contracts-state.remote``, else ``origin``, else the only one that there is.
        """
        if self._remote is None:
            self._remote = self._find_remote()
        return self._remote

    def _find_remote(self) -> str:
        settings = self._plumbing.read_settings(rf"^(remote\..*\.url|branch\.{BRANCH}\.remote)$")
        chosen = settings.pop(f"branch.{BRANCH}.remote", "")
        names = [setting.removeprefix("remote.").removesuffix(".url") for setting in settings]
        if chosen in (".", *names):
            return "" if chosen == "." else chosen
        if chosen:
            fact = f"branch.{BRANCH}.remote is {show_name(chosen)}, which is the name of no remote"
            raise Unreadable(fact, f"git remote lists them; git config branch.{BRANCH}.remote NAME sets another")
        if len(names) < 2 or "origin" in names:
            return "origin" if "origin" in names else "".join(names)
        fact = f"nobody says which of the remotes {', '.join(names)} shares the branch {BRANCH}"
        raise Unreadable(fact, f"git config branch.{BRANCH}.remote {names[0]}")

    @property
    def _tracking(self) -> str:
        """The ref that remembers what the remote said the last time."""
        return f"refs/remotes/{self.remote}/{BRANCH}"

    def _read_refs(self) -> tuple[Ref, Ref]:
        local, tracked = self._plumbing.read_refs(REF, self._tracking if self.remote else "refs/remotes//")
        return local, tracked

    def find_tip(self) -> str:
        """The commit that counts: the remote's, or the local one that comes after it."""
        if self.remote:
            self._fetch()
        local, tracked = self._read_refs()
        if not tracked.commit or tracked.commit == local.commit:
            return local.commit
        if not local.commit:
            return tracked.commit
        if self._plumbing.contains(tracked.commit, local.commit):
            self._move_local(local, tracked.commit)
            return tracked.commit
        if self._plumbing.contains(local.commit, tracked.commit):
            return local.commit  # made before there was a remote; the next entry is pushed with it
        theirs = f"{self.remote}/{BRANCH}"
        raise Unreadable(
            f"the branch {BRANCH} of this clone and {theirs} have each what the other lacks",
            f"git log {theirs}..{BRANCH} shows what only this clone has; to keep the remote's alone:"
            f" git branch -f {BRANCH} {theirs}",
        )

    def _fetch(self) -> None:
        """Bring the remote's branch, if it has moved."""
        name, reason = show_name(self.remote), ""
        for _ in range(_FETCHES):
            theirs = self._plumbing.read_remote(self.remote, REF)
            tracked = self._read_refs()[1].commit
            if not theirs and not tracked:
                return
            if not theirs:
                raise Unreadable(
                    f"the remote {name} no longer has the branch {BRANCH}, which it had at {tracked[:12]}",
                    f"put it back: git push {self.remote} {self._tracking}:{REF}",
                )
            if theirs == tracked:
                return
            reason = self._plumbing.fetch(self.remote, REF, self._tracking)
            if not reason:
                return
            # Another process of this clone may have fetched the same; otherwise the remote was set back.
            now = self._read_refs()[1].commit
            if (
                tracked
                and now == tracked
                and self._plumbing.holds(theirs)
                and not self._plumbing.contains(theirs, tracked)
            ):
                raise Unreadable(
                    f"the branch {BRANCH} of the remote {name} was set back: {theirs[:12]} does not come after"
                    f" {tracked[:12]}, which it had before",
                    f"somebody pushed with force; git log {theirs[:12]}..{tracked[:12]} shows what is lost there;"
                    f" to put it back: git push --force {self.remote} {self._tracking}:{REF};"
                    f" to give it up: git update-ref -d {self._tracking}",
                )
        raise Unreadable(f"git cannot fetch {BRANCH} from {name}: {reason}", f"git fetch {self.remote} says more")

    def complete(self, commit: str) -> None:
        """Bring what a partial clone left out of a commit, all at once; git would ask for each blob alone."""
        if self.remote and self._plumbing.read_settings(r"^remote\..*\.promisor$"):
            self._plumbing.fetch_missing(self.remote, commit)

    def insist_on_free(self) -> None:
        """Without a remote the local branch must move, and its work tree, if it has one, would stay behind."""
        if not self.remote and (work_tree := self._read_refs()[0].work_tree):
            raise Refused(
                f"the branch {BRANCH} is checked out in {show_name(work_tree)}",
                f"look at it with: git log -p {BRANCH}; and go back to another branch there",
            )

    def offer(self, old: str, commit: str) -> Answer:
        """Move the branch: the remote's first, the local one after it."""
        if not self.remote:
            return self._plumbing.move(REF, commit, old)
        answer = self._plumbing.push(self.remote, commit, REF)
        if answer.accepted:
            local, tracked = self._read_refs()
            if tracked.commit != commit:  # a push does this only where the settings say so
                self._plumbing.move(self._tracking, commit, tracked.commit)
            self._move_local(local, commit)
        return answer

    def _move_local(self, local: Ref, commit: str) -> None:
        """Let `git show contracts-state` show the newest; where that cannot be, the next entry does it."""
        if local.commit != commit and not local.work_tree:
            self._plumbing.move(REF, commit, local.commit)

    def explain_refusal(self, reason: str) -> Refused:
        if not self.remote:
            return Refused(f"git cannot move the branch {BRANCH}: {reason}", "nothing was written")
        return Refused(
            f"the remote {show_name(self.remote)} refuses the push to {BRANCH}: {reason}",
            f"nothing was written; whoever runs rollouts must be allowed to push to {BRANCH}, without force",
        )
