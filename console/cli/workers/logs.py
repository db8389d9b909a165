"""`workers logs NAME`: what it wrote, byte for byte; to its end with -f, over lost links."""

from __future__ import annotations

from argparse import Namespace
from contextlib import aclosing

from console.cli import exits
from console.cli.log_text import LogWriter
from console.cli.output import complain
from console.cli.workers import fleet
from console.errors import LinkError, UsageError
from console.fleet.model import Problem, ProblemKind
from console.operations.workers import Target
from console.settings.values import size_bytes
from workers.protocol import LogChunk, OpenTail, TailEnded

_WHOLE = -1


async def run(options: Namespace) -> int:
    options.names = [options.name]
    async with fleet.told(options) as runtime:
        (target, *more) = fleet.find(options, runtime)
        if more:
            raise UsageError(f"'{options.name}' is not one worker: {target}, {more[0]}, …")
        node = runtime.store.nodes[target.node]
        if node.state != "up" and not options.follow:
            text = f"{target.node} cannot be asked: {node.reason or node.state}"
            raise LinkError(Problem(ProblemKind.UNREACHABLE, text))
        writer, code = LogWriter(), exits.DONE
        try:
            async with aclosing(runtime.logs.tail(target.node, _ask(options, target))) as pieces:
                async for piece in pieces:
                    if isinstance(piece, LogChunk):
                        writer.write(piece.which, piece.data)
                    elif not isinstance(piece, TailEnded):
                        complain(f"{target}: {piece.text}")
                    elif piece.reason == "failed":
                        complain(f"{target}: {piece.text}")
                        code = exits.FAILED
        finally:
            writer.end()
        return code


def _ask(options: Namespace, target: Target) -> OpenTail:
    back = _WHOLE
    if options.last is not None:
        try:
            back = size_bytes(options.last)
        except ValueError as error:
            raise UsageError(f"--last {options.last}: {error}") from None
    return OpenTail(
        target.run_id,
        streams=options.stream,
        follow=options.follow,
        back_bytes=back,
        attempt=options.attempt,
    )
