"""`python -m workers.evaluation`: the gate, and what else there is to know about strength."""

import sys
from collections.abc import Sequence

from workers import harness
from workers.evaluation.arguments import parser, with_verb
from workers.evaluation.command import run


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one verb; its exit code."""
    words = sys.argv[1:] if argv is None else argv
    return harness.main("evaluation", "game", run, parser(), with_verb(words))


if __name__ == "__main__":
    sys.exit(main())
