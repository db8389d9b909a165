"""Exit codes that scripts may rely on."""

from __future__ import annotations

DONE = 0
FAILED = 1
USAGE = 2
UNREACHABLE = 3  # at least one node, or whether it happened is not known
REFUSED = 4  # by a guard: read-only, not confirmed, another process
INTERRUPTED = 130  # Ctrl-C
PIPE_CLOSED = 141  # who read our output went away
