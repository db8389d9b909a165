"""The line above the logs: whose they are, how they stand, and what is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.fleet.logs.book import LogBook
from console.fleet.logs.faults import KINDS, NAMES
from console.formatting import count, size
from console.ui.glyphs import Glyphs
from console.ui.logs.following import ENDED, FAILED, UNSEEN, Following
from console.ui.paint import Inks, Piece, fit
from workers.protocol import STREAM_NAMES

if TYPE_CHECKING:
    from console.ui.logs.pane import LogPane

_BEHIND_BYTES = 256 * 1024  # less is the ordinary coming and going
_NAMES = 34


def caption(pane: LogPane, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    """The pieces, the most important first."""
    following = pane.following
    if following is None:
        return [(" no log is followed", inks.dim)]
    pieces: list[Piece] = [(f" {whose(following)}", inks.title)]
    if pane.streams != "both":
        pieces.append((f" {pane.streams} only", inks.key))
    pieces += _place(pane, following, inks, glyphs)
    pieces += _search(pane, following, inks)
    pieces += _troubles(following, inks)
    return [*pieces, *_faults(pane, inks, glyphs)]


def whose(following: Following) -> str:
    """The one source, or how many there are."""
    sources = following.sources
    if len(sources) == 1:
        tag = sources[0].path or sources[0].tag
        tag = f"{sources[0].node}:{tag}" if sources[0].path else tag
        return fit(tag, min(len(tag), 60)).rstrip()
    nodes = len({source.node for source in sources})
    return f"{len(sources)} logs on {nodes} {'node' if nodes == 1 else 'nodes'}"


def _place(pane: LogPane, following: Following, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    visited = pane.visit
    if visited is not None:
        stream = STREAM_NAMES[visited.at.which]
        where = f"  attempt {visited.at.attempt} {stream}, {size(visited.begin)} to {size(visited.end)} of the log"
        return [(where, inks.warn), ("  not live: f goes back", inks.key)]
    pieces: list[Piece] = [(f"  {held(following.book)}", inks.dim)]
    view = pane.view
    if view.follow:
        pieces.append((f"  {glyphs.arrow} following", inks.good))
    else:
        below = 0 if view.current is None else len(view.book) - 1 - view.place_of_cursor
        pieces.append((f"  {count(below)} below" if below else "  at the end", inks.warn))
    if following.flood.one_in > 1:
        pieces.append((f"  showing 1 in {following.flood.one_in}", inks.bad_strong))
    if following.bytes_behind > _BEHIND_BYTES:
        pieces.append((f"  {size(following.bytes_behind)} behind", inks.warn))
    return pieces


def held(book: LogBook) -> str:
    """`812 lines`; of a book that is full, that older ones are on the node."""
    text = f"{count(len(book))} lines"
    return f"the last {text}, older on the node" if book.left else text


def _search(pane: LogPane, following: Following, inks: Inks) -> list[Piece]:
    finder = following.finder
    if finder is None:
        return []
    text = fit(pane.find_text, min(_NAMES, len(pane.find_text))).rstrip()
    sign = "&" if pane.only else "/"
    found = f"{count(len(finder.matches))} matches"
    busy = "" if finder.done else "…"
    pieces: list[Piece] = [(f"  {sign} {text}", inks.key), (f"  {found}{busy}", inks.dim)]
    if pane.searching:
        pieces.append(("  searching on the node…", inks.dim))
    elif pane.search_word:
        pieces.append((f"  {pane.search_word}", inks.warn))
    return pieces


def _troubles(following: Following, inks: Inks) -> list[Piece]:
    states = [each.state for each in following.followed]
    pieces: list[Piece] = []
    for state, word, ink in (
        (UNSEEN, "as last seen: the node does not answer", inks.warn),
        (FAILED, "cannot be read", inks.bad),
        (ENDED, "over", inks.dim),
    ):
        number = states.count(state)
        if number:
            which = "" if number == len(states) == 1 else f"{number} "
            pieces.append((f"  {which}{word}", ink))
    return pieces


def _faults(pane: LogPane, inks: Inks, glyphs: Glyphs) -> list[Piece]:
    """What e jumps to, counted."""
    counts = pane.view.book.kinds
    told = [f"{NAMES[kind]} {glyphs.times}{counts[kind]}" for kind in KINDS if counts[kind] > 0]
    return [(f"  {glyphs.alert} {', '.join(told)}", inks.bad)] if told else []
