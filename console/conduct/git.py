"""Git's argument lists and what it prints. Pure. Source: git-status(1) porcelain v2, git-for-each-ref(1)."""

from __future__ import annotations

from dataclasses import dataclass

_GIT = ("env", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "git", "-c", "advice.detachedHead=false")
STASH = "quarterdeck-update"

LOOK = (*_GIT, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
FETCH = (*_GIT, "fetch", "--tags", "--no-recurse-submodules", "origin")
PUT_ASIDE = (*_GIT, "stash", "push", "--message", STASH)
TAKE_BACK = (*_GIT, "stash", "pop")
DROP_CONFLICT = (*_GIT, "reset", "--hard")
STASHES = (*_GIT, "stash", "list", "--format=%s")
ENVIRONMENT = (
    "sh", "-c",
    'for p in .venv/bin/python venv/bin/python "$VIRTUAL_ENV/bin/python" python3; do'
    ' command -v "$p" >/dev/null 2>&1 && exec "$p" -c'
    ' "import sys; print(sys.prefix, sys.version.split()[0])"; done; echo none',
)  # fmt: skip


@dataclass(frozen=True)
class Version:
    """The code of a node. `branch` "" where it is on none; `dirty`: tracked files that were changed there;
    `environment`: the Python that it would run with."""

    commit: str
    branch: str
    dirty: int = 0
    environment: str = ""

    @property
    def words(self) -> str:
        """`main 1a2b3c4d5e, 2 files changed`"""
        changed = (
            f", {self.dirty} {'file' if self.dirty == 1 else 'files'} changed" if self.dirty else ""
        )
        return f"{self.branch or 'no branch'} {self.commit[:10]}{changed}"


@dataclass(frozen=True)
class Target:
    """Where to: `branch` "" where it is a tag or a commit; `tracked`: there is a branch of that name already."""

    commit: str
    branch: str = ""
    tracked: bool = False


def version_of(text: str) -> Version:
    """From what LOOK prints. Raises ValueError."""
    head = dict(
        line[2:].split(" ", 1) for line in text.splitlines() if line.startswith("# branch.")
    )
    commit, branch = head.get("branch.oid", ""), head.get("branch.head", "")
    if len(commit) < 40 or not branch:
        raise ValueError(
            "it has no commit yet" if commit == "(initial)" else "git did not say what is there"
        )
    dirty = sum(line[:2] in ("1 ", "2 ", "u ") for line in text.splitlines())
    return Version(commit, "" if branch == "(detached)" else branch, dirty)


def refs_named(ref: str) -> tuple[str, ...]:
    """What `ref` may name, with the commit of each."""
    names = (f"refs/remotes/origin/{ref}", f"refs/tags/{ref}", f"refs/heads/{ref}")
    return (*_GIT, "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "--", *names)


def commit_named(ref: str) -> tuple[str, ...]:
    return (*_GIT, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")


def target_of(ref: str, text: str) -> Target | None:
    """From what `refs_named` prints: a branch of origin before a tag; None where it is neither."""
    found = {words[0]: words[-1] for line in text.splitlines() if (words := line.split())}
    branch = found.get(f"refs/remotes/origin/{ref}")
    if branch is not None:
        return Target(branch, ref, f"refs/heads/{ref}" in found)
    tag = found.get(f"refs/tags/{ref}")
    return Target(tag) if tag is not None else None


def moves(now: Version, target: Target) -> tuple[tuple[str, ...], ...]:
    """From where it is to `target`; a branch is only ever moved forward."""
    if not target.branch:
        return ((*_GIT, "checkout", "--detach", target.commit),)
    if now.branch == target.branch:
        return (_forward(target),)
    if target.tracked:
        return ((*_GIT, "checkout", target.branch, "--"), _forward(target))
    return ((*_GIT, "checkout", "-b", target.branch, "--track", f"origin/{target.branch}"),)


def moves_back(before: Version) -> tuple[tuple[str, ...], ...]:
    """To where it was; what was put aside is not on it yet."""
    if not before.branch:
        return (DROP_CONFLICT, (*_GIT, "checkout", "--detach", before.commit))
    return (
        DROP_CONFLICT,
        (*_GIT, "checkout", before.branch, "--"),
        (*_GIT, "reset", "--keep", before.commit),
    )


def _forward(target: Target) -> tuple[str, ...]:
    return (*_GIT, "merge", "--ff-only", target.commit)
