"""How a conducted job ends: the exit code of the worker contract for what came of its parts."""

from __future__ import annotations

from console.conduct.telling import DONE, FAILED, PARTIAL, SKIPPED, Telling
from workers.contract import EXIT_DONE, EXIT_WAITING

FAILURE = 1


def conclude(telling: Telling, unreached: int = 0, text: str = "") -> int:
    """Says how it ended. 0 where every part is done; 3 where ``unreached`` are all of them; else 1, "partial"
    where some are done. What failed is named."""
    done, bad = telling.names(DONE), telling.names(FAILED, PARTIAL, SKIPPED)
    if not bad:
        telling.say(phase="done", message=text or f"{len(done)} of {len(done)} done")
        return EXIT_DONE
    named = ", ".join(bad)
    if done:
        telling.say(
            phase="partial", health="failed",
            message=text or f"partial: {len(done)} of {len(done) + len(bad)}; not done: {named}",
        )  # fmt: skip
        return FAILURE
    if unreached == len(bad):
        why = text or f"none can be reached: {named}"
        telling.say(phase="waiting", message=why, blocked_because=why)
        return EXIT_WAITING
    telling.say(phase="failed", health="failed", message=text or f"failed: {named}")
    return FAILURE
