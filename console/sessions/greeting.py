"""The hello of an agent: awaited, checked, and refused in plain words where versions differ."""

from __future__ import annotations

import asyncio
import json

from console.channels.channel import Channel
from console.errors import LinkError
from console.fleet.model import Problem, ProblemKind
from console.sessions.bootstrap import noise_text
from console.text import one_line, sanitise
from workers.protocol import (
    AGENT_MESSAGES,
    HEADER,
    MAX_FRAME_BYTES,
    PROTOCOL_VERSION,
    Failure,
    Hello,
    ProtocolError,
    decode_message,
)

DEADLINE_S = 15.0


class Unfinished(LinkError):
    """The start broke off where a cut connection looks the same; worth one more try."""


async def receive(channel: Channel, rest: bytes, noise: bytes) -> tuple[Hello, bytes]:
    """The hello, its warnings with the `noise` before it, and the bytes after it. Raises LinkError."""
    try:
        payload, rest = await asyncio.wait_for(_first_message(channel, rest), DEADLINE_S)
    except asyncio.TimeoutError:
        text = f"the agent was started but said nothing for {DEADLINE_S:.0f} s"
        raise Unfinished(Problem(ProblemKind.AGENT_FAILED, text)) from None
    hello = _check(payload)
    text = one_line(noise_text(noise))
    if text:
        said = f"the login shell printed before the agent started: “{text}”"
        hello = hello._replace(warnings=(*hello.warnings, said))
    return hello, rest


async def _first_message(channel: Channel, data: bytes) -> tuple[bytes, bytes]:
    """Payload of the first frame, and what follows it."""
    while True:
        if len(data) >= HEADER.size:
            length, _, _ = HEADER.unpack_from(data)
            if length > MAX_FRAME_BYTES:
                raise Unfinished(_garbled(f"a frame of {length} bytes, at most {MAX_FRAME_BYTES}"))
            end = HEADER.size + length
            if len(data) >= end:
                return data[HEADER.size : end], data[end:]
        more = await channel.read()
        if not more:
            said = one_line(await channel.close())
            text = "the agent ended before its hello" + (f": {said}" if said else "")
            raise Unfinished(Problem(ProblemKind.AGENT_FAILED, text))
        data += more


def _check(payload: bytes) -> Hello:
    spoken = _protocol_of(payload)
    if spoken is not None and spoken != PROTOCOL_VERSION:
        raise LinkError(_versions_differ(spoken))
    try:
        message = decode_message(payload, AGENT_MESSAGES, sanitise)
    except ProtocolError as error:
        raise Unfinished(_garbled(str(error))) from None
    if isinstance(message, Failure):
        text = f"the agent cannot run: {message.text}"
        raise LinkError(
            Problem(ProblemKind.AGENT_FAILED, text, "Its Python or its disk may be damaged.")
        )
    if not isinstance(message, Hello):
        raise Unfinished(_garbled(f"{type(message).__name__} came before the hello"))
    return message


def _protocol_of(payload: bytes) -> int | None:
    """The version said, whatever else changed in the hello."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    found = body.get("protocol") if isinstance(body, dict) and body.get("type") == "hello" else None
    return found if type(found) is int else None


def _versions_differ(spoken: int) -> Problem:
    older, newer = ("console", "agent") if spoken > PROTOCOL_VERSION else ("agent", "console")
    return Problem(
        ProblemKind.INCOMPATIBLE,
        f"the agent speaks protocol {spoken}, this console {PROTOCOL_VERSION}: the {older} is older than "
        f"the {newer}",
        "Update this console." if older == "console" else "Update what starts the agent there.",
    )


def _garbled(text: str) -> Problem:
    return Problem(ProblemKind.AGENT_FAILED, f"the agent's hello cannot be read: {one_line(text)}")
