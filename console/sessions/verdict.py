"""What a failed start means, in words: pure functions from what was seen to a `Problem`.

What the far end wrote is quoted sanitised, its first 200 bytes at most.
"""

from __future__ import annotations

from console.fleet.model import Problem, ProblemKind
from console.text import one_line

QUOTED_BYTES = 200


def quote(data: bytes) -> str:
    """The first bytes of `data` in quotes, made harmless; "nothing" where there are none."""
    text = data[:QUOTED_BYTES].decode("utf-8", "replace").strip()
    return f"“{one_line(text, QUOTED_BYTES)}”" if text else "nothing"


def on_silence(seen: bytes, deadline_s: float) -> Problem:
    """The deadline passed without the marker."""
    if not seen.strip():
        return Problem(
            ProblemKind.SHELL,
            f"the login shell ran nothing within {deadline_s:.0f} s and said nothing",
            "Look for a command in ~/.bashrc (or the shell's own start file) that waits or starts "
            "another shell; put it behind a test for an interactive shell.",
        )
    return Problem(
        ProblemKind.SHELL,
        f"no agent answered within {deadline_s:.0f} s; the shell wrote {quote(seen)}",
        "Something in the shell's start files waits, starts another program, or the key has a forced "
        "command that is not ours.",
    )


def on_flood(seen: bytes, elapsed_s: float) -> Problem:
    """Far more than a login message, and no marker."""
    return Problem(
        ProblemKind.SHELL,
        f"{len(seen) // 1024} KiB came in {elapsed_s:.1f} s instead of an agent; it begins {quote(seen)}",
        "The shell's start files or a forced command write without end.",
    )


def on_no_python(seen: bytes, prefix: bytes, minimum: tuple[int, int]) -> Problem:
    """Every interpreter was tried."""
    found: dict[str, str] = {}
    for line in seen.splitlines():
        words = line.split(None, 2)
        if len(words) == 3 and words[0] == prefix:
            found.setdefault(one_line(words[1].decode("utf-8", "replace"), 20), _path(words[2]))
    wanted = ".".join(map(str, minimum))
    listed = ", ".join(f"{version} ({path})" for version, path in found.items())
    return Problem(
        ProblemKind.NO_PYTHON,
        f"no Python ≥ {wanted}: found {listed}" if found else f"no Python ≥ {wanted}: found none",
        f"Install Python {wanted} or newer there; a python3 in the PATH of a non-interactive shell, "
        "/usr/local/bin, ~/miniconda3 or ~/.pyenv is found. Nothing else is needed.",
    )


def on_end(seen: bytes, errors: str) -> Problem:
    """The channel ended without a marker."""
    said = (seen + b" " + errors.encode("utf-8", "replace")).strip()
    lowered = said.lower()
    if b"not available" in lowered or b"nologin" in lowered:
        return Problem(
            ProblemKind.SHELL,
            f"the account's shell lets nobody in (nologin): {quote(said)}",
            "Give the account a login shell there, or use another user.",
        )
    if b"restricted" in lowered:
        return Problem(
            ProblemKind.SHELL,
            f"the account has a restricted shell (rbash): {quote(said)}",
            "Give the account an ordinary shell; the agent is started with exec /bin/sh.",
        )
    if b"/bin/sh" in lowered and (b"not found" in lowered or b"no such file" in lowered):
        return Problem(
            ProblemKind.SHELL, f"there is no /bin/sh: {quote(said)}", "Install a POSIX shell."
        )
    if not said:
        return Problem(
            ProblemKind.SHELL,
            "the shell ended at once and said nothing",
            "The account's shell may be /bin/false, its start files may end the shell, or the key has "
            "a forced command.",
        )
    return Problem(
        ProblemKind.SHELL,
        f"the shell did not start our agent; it wrote {quote(said)}",
        "The key may have a forced command, or a start file of the shell runs another program.",
    )


def _path(data: bytes) -> str:
    return one_line(data.decode("utf-8", "replace"), 80)
