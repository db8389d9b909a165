"""The messages about workers: what is to run, what runs, and the commands between."""

from typing import NamedTuple, Optional, Tuple

# ---------------------------------------------------------------- what is to run


class Variable(NamedTuple):
    name: str
    value: str


class SecretReference(NamedTuple):
    """A variable whose value the supervisor reads on the node at each attempt; never stored or sent."""

    name: str
    source: (
        str  # "env": a variable of the node's login environment; "file": the first line of a file
    )
    reference: str  # the variable's name, or the path


class RestartRule(NamedTuple):
    policy: str = "never"  # never, asked (only after exit codes 75 and 3, `max_restarts` times), on-failure, always
    max_restarts: int = 5  # within the window; one more is a crash loop
    window_s: float = 600.0
    backoff_s: float = 1.0  # doubled at each restart, with jitter
    backoff_max_s: float = 300.0
    healthy_s: float = 60.0  # an attempt that lived so long resets the back-off


class DiskNeed(NamedTuple):
    path: str
    bytes: int  # that must be free there


class Preflight(NamedTuple):
    """What must hold on the node before a start. Empty: nothing is asked."""

    disk_free: Tuple[DiskNeed, ...] = ()
    files: Tuple[str, ...] = ()  # that must exist
    memory_bytes: int = 0  # that must be available


class WorkerSpec(NamedTuple):
    """One run of one worker, as the run directory keeps it. Nothing in it changes after the start."""

    run_id: str  # 128 random bits in hexadecimal, made by who asks: the same id twice is one worker
    name: str
    command: Tuple[str, ...]
    schema: int = 1
    preset: str = ""
    kind: str = "worker"  # worker; job: expected to finish; command: an ad-hoc command
    directory: str = ""  # relative to the node's root; "" is the root
    environment: Tuple[Variable, ...] = ()
    secrets: Tuple[SecretReference, ...] = ()
    unbuffered: bool = True  # PYTHONUNBUFFERED=1
    interpreters: Tuple[
        str, ...
    ] = ()  # pythons or virtual environments, the first that fits is taken
    needs: Tuple[str, ...] = ()  # modules it must import
    gpus: int = 0
    gpu_indices: Tuple[int, ...] = ()  # assigned on the node at the start
    nice: int = 0
    affinity: Tuple[int, ...] = ()
    threads: Optional[int] = None  # of numeric libraries (OMP_NUM_THREADS and its kin)
    restart: RestartRule = RestartRule()
    grace_s: float = 10.0  # from the stop signal to SIGKILL
    stop_signal: str = "TERM"
    drain: bool = False  # it knows QD_DRAIN
    drain_signal: str = ""  # sent too, where named
    on_boot: str = "leave"  # leave, restart: after the node was started anew
    leftovers: str = "keep"  # keep, kill: processes that outlive the main one
    singleton: str = ""  # the name of a lock of which only one holder may live
    singleton_scope: str = "node"  # node, fleet
    lock_files: Tuple[
        str, ...
    ] = ()  # of the program itself: stale ones are found and cleared by a key
    preflight: Preflight = Preflight()
    progress_pattern: str = ""  # a regular expression with groups done, total, rate
    progress_unit: str = ""
    progress_dataset: str = ""  # its count is the progress
    tags: Tuple[str, ...] = ()
    by: str = ""  # who asked: user@host
    code: str = ""  # digest of the bundle of our own workers that comes before its PYTHONPATH
    input: Tuple[str, ...] = ()  # pieces of a document it finds at QD_INPUT; empty: there is none


# ---------------------------------------------------------------- what runs


class ProgressPart(NamedTuple):
    """How far a worker is with one part of its work, as a rule a node."""

    name: str
    state: str = ""  # waiting, running, done, partial, failed, skipped
    done: Optional[float] = None
    total: Optional[float] = None
    unit: str = ""
    bytes: Optional[float] = None
    bytes_total: Optional[float] = None
    rate_bytes_s: Optional[float] = None
    eta_s: Optional[float] = None
    message: str = ""


class Progress(NamedTuple):
    """What a worker says of itself: `status.json`, or its log by the preset's pattern."""

    phase: str = ""
    done: Optional[float] = None
    total: Optional[float] = None
    unit: str = ""
    rate_per_minute: Optional[float] = None
    message: str = ""
    health: str = ""  # the worker's own word
    blocked_because: Optional[str] = None
    age_s: Optional[float] = None  # of this word
    source: str = "status"  # status, log
    parts: Tuple[ProgressPart, ...] = ()


class WorkerRecord(NamedTuple):
    """One run as its node knows it. States, flags and reasons are those of the contract."""

    run_id: str
    name: str
    state: str  # created, starting, running, stopping, backoff, stopped, exited, lost
    desired: str = "running"  # running, stopped, drained
    flags: Tuple[str, ...] = ()  # adopted, unguarded, kill_pending
    lost_reason: Optional[str] = None  # reboot, supervisor, deleted, unknown
    preset: str = ""
    kind: str = "worker"
    command: Tuple[str, ...] = ()
    attempt: int = 0  # 1 is the first
    restarts: int = 0
    crash_loop: bool = False  # given up after too many restarts
    pid: Optional[int] = None
    start_ticks: Optional[int] = None
    exit_code: Optional[int] = None
    signal: Optional[int] = None
    oom: bool = False  # the kernel's counter says so
    core: bool = False
    error: Optional[str] = None  # why it could not be started, in words
    started_at: Optional[float] = None  # wall clock, for people
    ended_at: Optional[float] = None
    running_s: Optional[float] = None  # of this attempt, by the clock since boot
    last_seen_at: Optional[float] = None  # the supervisor's last sign of life, of a lost run
    restart_in_s: Optional[float] = None
    stopping_s: Optional[float] = None  # since the stop was asked
    grace_s: float = 10.0
    leftovers: Optional[int] = None  # processes that outlived the main one
    kill_pending: Tuple[str, ...] = ()  # "4711 in D state (ext4_sync)"
    sequence: int = 0  # of the desired state
    by: str = ""  # who wanted that last
    drain: bool = False
    gpu_indices: Tuple[int, ...] = ()
    singleton: str = ""
    singleton_scope: str = "node"
    progress: Optional[Progress] = None
    progress_dataset: str = ""
    processes: Optional[int] = None  # of the whole tree
    cpu_percent: Optional[float] = None  # of one core, the whole tree
    memory_bytes: Optional[int] = None
    gpu_memory_bytes: Optional[int] = None
    blocked_in: Optional[str] = None  # where the main process hangs in the kernel (D state)
    log_bytes: Optional[int] = None  # of both streams, ever written
    log_age_s: Optional[float] = None  # since they last grew
    last_line: str = ""
    warnings: Tuple[str, ...] = ()  # "no hole punching here: logs are not rotated"
    tags: Tuple[str, ...] = ()


class WorkerReport(NamedTuple):
    """All runs the node keeps, the newest first; sent each interval, where something changed."""

    clock: float
    workers: Tuple[WorkerRecord, ...] = ()
    fault: Optional[str] = None  # why the run directories cannot be read


class WorkerEvent(NamedTuple):
    """One line of a run's events, in words."""

    sequence: int
    clock: float
    text: str


class MetricSeries(NamedTuple):
    """The newest points of one metric, the oldest first."""

    name: str
    steps: Tuple[float, ...]
    values: Tuple[float, ...]


class WorkerDetails(NamedTuple):
    record: WorkerRecord
    spec: WorkerSpec
    directory: str  # of the run
    events: Tuple[WorkerEvent, ...] = ()
    metrics: Tuple[MetricSeries, ...] = ()
    processes: Tuple[str, ...] = ()  # "4711 python train.py", the tree


class Orphan(NamedTuple):
    """Something no record owns, or a record that owns nothing."""

    orphan_id: str  # opaque, for ClearOrphan
    kind: str  # unrecorded, dead, duplicate, stale_lock
    why: str
    acts: Tuple[str, ...] = ()  # adopt, stop, kill, forget, clear
    pid: Optional[int] = None
    start_ticks: Optional[int] = None
    user: str = ""
    command: str = ""
    run_id: str = ""
    name: str = ""
    path: str = ""


# ---------------------------------------------------------------- asks


class WatchWorkers(NamedTuple):
    """What of the node's workers is reported: ``limit`` of the ended runs, beside all that live.

    And what the node keeps of those that are over: so many runs of a name, and so many bytes of logs in all.
    """

    limit: int = 200
    kept_runs: int = 20
    kept_log_bytes: int = 2 * 1024**3


class StartWorker(NamedTuple):
    """Answered by ``WorkerReply``; Failure "exists" names the holder, "refused" the check that failed."""

    spec: WorkerSpec


class CheckWorker(NamedTuple):
    """Would it start? Answered by ``WorkerCheck``; changes nothing."""

    spec: WorkerSpec


class CommandWorker(NamedTuple):
    """stop, kill, restart, restart_force, drain. Answered by ``WorkerReply`` once it is durable.

    With ``sequence``, refused with Failure "superseded" where somebody wanted something else since.
    """

    run_id: str
    act: str
    by: str = ""
    grace_s: Optional[float] = None
    sequence: Optional[int] = None


class ForgetWorker(NamedTuple):
    """Removes the run directory of a run that is over. Answered by ``Done``."""

    run_id: str


class DescribeWorker(NamedTuple):
    """Answered by ``WorkerDetails``."""

    run_id: str
    points: int = 120  # of each metric


class FindOrphans(NamedTuple):
    """Answered by ``OrphanReport``."""


class AdoptProcess(NamedTuple):
    """Watch a process that nobody of us started. Answered by ``WorkerReply``."""

    run_id: str  # a fresh one
    pid: int
    start_ticks: int
    name: str
    by: str = ""


class ClearOrphan(NamedTuple):
    """One act of an ``Orphan`` (all but adopt). Answered by ``Done``."""

    orphan_id: str
    act: str


# ---------------------------------------------------------------- replies


class WorkerReply(NamedTuple):
    record: WorkerRecord
    notes: Tuple[str, ...] = ()  # "venv-huggingface is not there: /usr/bin/python3 is used"


NO_INTERPRETER = "no Python here runs"  # how that refusal begins


class WorkerCheck(NamedTuple):
    command: Tuple[str, ...]  # as it would run
    directory: str
    interpreter: Optional[str] = None
    gpu_indices: Tuple[int, ...] = ()
    notes: Tuple[str, ...] = ()
    refusals: Tuple[str, ...] = ()  # empty: it would start


class OrphanReport(NamedTuple):
    orphans: Tuple[Orphan, ...] = ()
    complete: bool = True
    missing: Tuple[str, ...] = ()  # what could not be looked at


class Done(NamedTuple):
    """A command took effect."""

    text: str = ""
