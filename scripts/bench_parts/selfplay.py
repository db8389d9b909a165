"""`scripts/bench selfplay [PART…] [--azg PATH]`: the rates of self-play beside its peers, in one table."""

from __future__ import annotations

import sys

from scripts.bench_parts import selfplay_azg, selfplay_counts, selfplay_rates
from scripts.bench_parts.table import main


def run(words: list[str]) -> int:
    checkout = None
    if "--azg" in words:
        at = words.index("--azg")
        checkout, words = (words[at + 1 : at + 2] or [""])[0], words[:at] + words[at + 2 :]
    parts = {
        "random": selfplay_rates.random_play,
        "search": selfplay_rates.search,
        "tree": selfplay_rates.tree,
        "azg": lambda: selfplay_azg.run(checkout),
        "counts": selfplay_counts.run,
    }
    return main("selfplay", parts, words)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
