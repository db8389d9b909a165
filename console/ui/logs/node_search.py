"""Searching the whole logs where they are: on their nodes, all at once, each in its own time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from console.errors import QuarterdeckError
from console.fleet.logs.find import Finder
from console.ui.logs.following import Followed, Following
from workers.protocol import SearchLog

if TYPE_CHECKING:
    from console.ui.logs.pane import LogPane

MOST = 500  # matches of one log
BUDGET_S = 5.0


async def search_nodes(pane: LogPane, following: Following, finder: Finder, streams: str) -> None:
    """What is found joins the matches; what could not be searched is said in the pane's `search_word`."""
    pane.search_word = ""
    pane.searching = frozenset(followed.source.tag for followed in following.followed)
    words = await asyncio.gather(
        *(_search(pane, followed, following, finder, streams) for followed in following.followed)
    )
    pane.search_word = "; ".join(dict.fromkeys(word for word in words if word))


async def _search(
    pane: LogPane, followed: Followed, following: Following, finder: Finder, streams: str
) -> str:
    """Gives what there is to say; "" where the whole log was searched."""
    source, wanted = followed.source, finder.wanted
    ask = SearchLog(
        wanted.text, run_id=source.run_id, path=source.path, streams=streams,
        ignore_case=wanted.ignore_case, limit=MOST, budget_s=BUDGET_S,
    )  # fmt: skip
    try:
        found = await following.feed.search(source.node, ask)
    except QuarterdeckError as error:
        return f"{source.node}: {error}"
    finally:
        pane.searching -= {source.tag}
    finder.adopt(followed.stream.matched(found.matches, following.now))
    pane.show()
    return "" if found.complete else "the newest matches only"
