"""`quarterdeck-worker`: the reference workers by one name."""

import sys
from collections.abc import Callable, Sequence

USAGE = """usage: quarterdeck-worker selfplay|train|evaluate|records …

  selfplay   plays games and writes them durably
  train      learns from them, and keeps checkpoints
  evaluate   measures checkpoints against each other, and promotes the better
  records    verifies, counts, recovers and exports games

quarterdeck-worker COMMAND --help says more."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one of them; its exit code. 4 for a word that is none."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return 0
    command = _command(words[0]) if words else None
    if command is None:
        print(USAGE, file=sys.stderr)
        return 4
    return command(words[1:])


def _command(word: str) -> "Callable[[Sequence[str]], int] | None":
    """Only what is asked for is imported: counting records needs no torch."""
    if word == "selfplay":
        from workers.selfplay.__main__ import main as selfplay

        return selfplay
    if word in ("train", "training"):
        from workers.training.__main__ import main as training

        return training
    if word in ("evaluate", "evaluation"):
        from workers.evaluation.__main__ import main as evaluation

        return evaluation
    if word == "records":
        from workers.records.__main__ import main as records

        return records
    return None


if __name__ == "__main__":
    sys.exit(main())
