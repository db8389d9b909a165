"""What stands in the menu of jobs: a key for each kind."""

from __future__ import annotations

from typing import NamedTuple


class Group(NamedTuple):
    """One entry of the jobs menu: the key behind `b`, what it is called, and the kind of its jobs."""

    key: str
    title: str
    kind: str
    does: str


MENU = (
    Group("s", "Sync", "sync", "brings data from the nodes to one place; deletes nothing"),
    Group("a", "Aggregate", "aggregate", "merges what was synced, each record once"),
    Group("b", "Backup", "backup", "copies models and merged data to an S3 store"),
    Group("u", "Update code", "update_code", "git on each node, a few at a time, with a way back"),
    Group("p", "Prune", "prune", "frees disk of what is proven to be merged and backed up"),
    Group("t", "Train pipeline", "pipeline", "mirrors data, trains, brings the results back"),
)
