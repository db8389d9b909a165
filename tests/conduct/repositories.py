"""Real git repositories: an origin, and clones of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

_WHO = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *_WHO, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Origin:
    """A repository with a file `code.txt` of some lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        git(folder, "init", "--initial-branch", "main")
        self.commit("one")

    def commit(self, first: str, branch: str = "main") -> str:
        """A commit whose first line this is."""
        if branch != "main":
            git(self.folder, "checkout", "-B", branch)
        (self.folder / "code.txt").write_text("\n".join([first, *"abcdefgh", "last"]) + "\n")
        git(self.folder, "add", "code.txt")
        git(self.folder, "commit", "--message", first)
        found = git(self.folder, "rev-parse", "HEAD")
        if branch != "main":
            git(self.folder, "checkout", "main")
        return found

    def clone(self, folder: Path) -> Path:
        git(self.folder, "clone", str(self.folder), str(folder))
        git(folder, "config", "user.name", "Ada")
        git(folder, "config", "user.email", "ada@example.org")
        return folder


def head(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


def status(folder: Path) -> str:
    return git(folder, "status", "--porcelain", "--branch")
