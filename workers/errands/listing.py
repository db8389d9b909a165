"""The files of datasets on this machine, for a job."""

import os
from typing import Any, Dict, List

from workers.agent.data.cache import CountCache
from workers.agent.data.listed_file import Memory
from workers.agent.data.listing import list_files, real_root
from workers.agent.identity import node_key
from workers.agent.places import find_state_directory
from workers.errands.work import Work


def count_cache() -> CountCache:
    """What the agent remembers of counts; an errand leaves nothing on a machine that has no agent's folder."""
    state = find_state_directory() or ""
    folder = os.path.join(state, "nodes", node_key(os.uname().nodename))
    return CountCache(folder if state and os.path.isdir(folder) else None)


def list_datasets(
    asked: Dict[str, Any], cache: CountCache, memory: Memory, work: Work
) -> Dict[str, Any]:
    """Tells each file as [dataset, *DataFile]; gives the root, its free bytes, and problems by dataset."""
    root = real_root(asked["root"])
    problems: Dict[str, List[str]] = {}
    counted = False

    def tick() -> bool:
        work.tick()
        return False

    for name, paths, method in asked["datasets"]:
        listed = list_files(root, tuple(paths), method, cache, tick, memory)
        problems[name], counted = list(listed.problems), counted or listed.counted
        for file in listed.files:
            work.part((name, *file))
    if counted:
        cache.save()
    return {"root": root, "free_bytes": _free_bytes(root), "problems": problems}


def _free_bytes(path: str) -> int:
    try:
        found = os.statvfs(path)
    except OSError:
        return 0
    return found.f_bavail * found.f_frsize
