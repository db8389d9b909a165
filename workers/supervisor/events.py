"""The words of a run's history: each kind of event, and the fields it carries.

``events.jsonl`` is appended only by who holds the run's lock: the pair, or an agent that took the free
lock. Each record also carries ``seq``, ``crc``, ``wall`` (s since the epoch), ``boottime`` (s since boot)
and ``boot_id``. What a run is now is the fold of its events (``condition.py``).
"""

CREATED = "created"  # by
INTENT = "intent"  # attempt: about to fork
STARTED = "started"  # attempt, pid, ticks: exec succeeded
EXEC_FAILED = "exec_failed"  # attempt, errno, path, text: nothing runs
TAKEN_UP = "taken_up"  # a new pair goes on where the last one ended
ADOPTED = "adopted"  # attempt, pid, ticks: a new pair watches by pidfd
DESIRED = "desired"  # sequence, want, act, by, grace_s: the pair has seen it and goes on with it
DRAINING = "draining"  # attempt
SIGNAL = "signal"  # attempt, signal, to (main, group, tree), pids
KILL_PENDING = "kill_pending"  # attempt, survivors: ["4711 in D state (ext4_sync)"]
EMPTIED = "emptied"  # attempt: no descendant is left
EXITED = "exited"  # attempt, code, signal, core, oom, leftovers, asked, max_rss_bytes, cpu_s
LOST = "lost"  # attempt, reason, last_seen (wall)
BACKOFF = "backoff"  # attempt (the one to come), delay_s, until (boottime), counted (as a crash)
CRASH_LOOP = "crash_loop"  # restarts, window_s: given up
FINISHED = "finished"  # no attempt will follow by itself; the pair ends
SHIM_LOST = "shim_lost"  # the guardian goes on alone
GUARDIAN_LOST = "guardian_lost"  # the shim goes on alone
GAP = "gap"  # attempt, stream, start, end, why: bytes that are gone
WARNING = "warning"  # text
