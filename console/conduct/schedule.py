"""The schedule: starts jobs when they are due, with or without a console that looks on."""

from __future__ import annotations

from console.conduct.orders import Orders
from console.conduct.program import Conductor
from console.conduct.score import Score, Share
from console.conduct.timekeeper import Timekeeper


def plan(orders: Orders) -> Score:
    """There is nothing to look at before."""
    share = Share(orders.here, "starts each job of the settings when its schedule is due")
    return Score("starts jobs until it is stopped", (share,), ("run a job twice at once",))


async def run(conductor: Conductor) -> int:
    """Until it is stopped or drained."""
    return await Timekeeper(conductor).run()
