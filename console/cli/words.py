"""Which word of the command line is a verb, which a host, and which a mistake."""

from __future__ import annotations

from collections.abc import Sequence

from console.errors import UsageError

VERBS = (
    "status",
    "nodes",
    "ps",
    "data",
    "alerts",
    "workers",
    "run",
    "cp",
    "jobs",
    "mode",
    "diagnose",
    "config",
    "completion",
    "version",
    "help",
)
# Words of the command line's own that have no meaning yet: never taken for a host.
KEPT = ("loop", "serve")
TAKE_VALUE = ("--config", "--host", "--interval", "--theme", "--filter")


def verb_place(argv: Sequence[str]) -> int | None:
    """The index of the verb: the first word, if it is one; None where hosts or nothing stand there.

    Raises UsageError for what is nearly a verb, for a verb after a host, and for a kept word.
    """
    words = list(_words(argv))
    for order, (place, word) in enumerate(words):
        if word in VERBS:
            if order == 0:
                return place
            raise UsageError(
                f"'{word}' is a command and comes first; `--host {word}` names a host of that name"
            )
        _refuse_mistake(word)
    return None


def command_behind(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """`argv` up to its `--`, and the command behind it, for the verbs that take one."""
    words = [word for _, word in _words(argv)]
    place = argv.index("--") if "--" in argv else len(argv)
    front = [word for word in argv[:place] if not word.startswith("-")]
    takes = words[:1] == ["run"] or (words[:1] == ["workers"] and "start" in front)
    return (list(argv[:place]), list(argv[place + 1 :])) if takes else (list(argv), [])


def near_verb(word: str) -> str | None:
    """The verb that `word` most likely was meant to be; None for what looks like a host."""
    if not word.isalpha():
        return None  # digits, dots, @ and dashes are a host's; nobody types them by mistake
    for known in (VERBS, KEPT):
        typed = word.lower()
        near = [(distance(typed, verb), not verb.startswith(typed), verb) for verb in known]
        allowed = [one for one in near if one[0] <= _slack(one[2])]
        if allowed:
            return min(allowed)[2]  # of equals the one that was cut short
    return None


def distance(a: str, b: str) -> int:
    """Insertions, deletions, changes and swaps of neighbours between two words."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def _slack(verb: str) -> int:
    if len(verb) >= 6:
        return 2
    return 1 if len(verb) >= 4 else 0


def _words(argv: Sequence[str]) -> list[tuple[int, str]]:
    """(index, word) of what is neither an option nor an option's value, up to `--`."""
    words = []
    skip = False
    for place, word in enumerate(argv):
        if skip:
            skip = False
        elif word == "--":
            break
        elif word in TAKE_VALUE:
            skip = True
        elif not word.startswith("-"):
            words.append((place, word))
            if word in VERBS:
                break
    return words


def _refuse_mistake(word: str) -> None:
    if word in KEPT:
        raise UsageError(
            f"there is no command '{word}' in this version; `--host {word}` names a host"
        )
    verb = near_verb(word)
    if verb is not None:
        raise UsageError(f"did you mean '{verb}'? `--host {word}` opens a host called '{word}'")
