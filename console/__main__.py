"""`quarterdeck`, `qd` and `python -m console`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from console.cli.main import run


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; `argv` without the program's name. Returns the exit code."""
    return run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
