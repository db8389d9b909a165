"""The console on a hostile log, as a program in a terminal. Run: python -m tests.ui_logs.program DIR"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.ui.fleets import CLOCK
from tests.ui_logs.feeds import MemoryFeed
from tests.ui_logs.test_hostile_logs import ONE, corpus_bytes
from tests.ui_logs.worlds import LogConsole


class Program(LogConsole):
    def on_ready(self) -> None:
        self.call_later(self.open_logs_of, ONE)


async def main(directory: Path) -> int:
    feed = MemoryFeed()
    log = feed.log("gpu-1", "run-selfplay-0")
    log.write(corpus_bytes(), CLOCK)
    log.write(b"\r\x1b]52;c;cHduZWQ=\x07 10%|\xe2\x96", CLOCK, which=1)
    app = Program(ONE, feed, directory)
    return await app.run_async() or app.return_code or 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
