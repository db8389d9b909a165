"""The closed set of messages between console and agent."""

from typing import Any, NamedTuple, Optional, Tuple, Type

from workers.protocol import code_messages as code
from workers.protocol import ledger_messages as ledger
from workers.protocol import log_messages as logs
from workers.protocol import worker_messages as workers

# ---------------------------------------------------------------- facts, from the node up


class Hello(NamedTuple):
    """The first message of an agent: who and where it is."""

    protocol: int
    agent: str  # blake/sha hash of the bundle it runs from, "" in memory
    node_key: str  # hash of machine-id and hostname: two entries with one key are one machine
    hostname: str
    boot_id: str
    pid_namespace: int  # inode number
    pid: int
    user: str
    uid: int
    home: str
    clock: float  # wall clock, seconds since the epoch
    boottime: float  # seconds since boot, suspended time included
    cores: int
    python: str
    system: str  # "Debian GNU/Linux 12 (bookworm)"
    kernel: str
    architecture: str
    cpu_model: str = ""
    memory_bytes: Optional[int] = None
    state_directory: Optional[str] = None
    capabilities: Tuple[str, ...] = ()  # psutil, nvml, pidfd, zstd, …
    warnings: Tuple[str, ...] = ()  # noise before the marker, a fallback that was taken


class Heartbeat(NamedTuple):
    """Sent each second both ways. Staleness counts these and not samples.

    ``echo`` is the sequence of the last one received and ``echo_age_s`` how long ago that was, so that the
    sender of that one learns the round trip.
    """

    sequence: int
    clock: float
    boottime: float
    echo: Optional[int] = None
    echo_age_s: float = 0.0


class Memory(NamedTuple):
    total_bytes: Optional[int] = None
    used_bytes: Optional[int] = None  # total - available
    available_bytes: Optional[int] = None
    cached_bytes: Optional[int] = None
    swap_total_bytes: Optional[int] = None
    swap_used_bytes: Optional[int] = None


class Pressure(NamedTuple):
    """Pressure stall information, percent of the last 10 s (Documentation/accounting/psi.rst)."""

    cpu_some: Optional[float] = None
    memory_some: Optional[float] = None
    memory_full: Optional[float] = None
    io_some: Optional[float] = None
    io_full: Optional[float] = None


class NetworkRate(NamedTuple):
    interface: str
    received_bytes_per_s: Optional[float]
    sent_bytes_per_s: Optional[float]


class DeviceRate(NamedTuple):
    device: str
    read_bytes_per_s: Optional[float]
    written_bytes_per_s: Optional[float]
    busy_percent: Optional[float]


class Host(NamedTuple):
    cpu_percent: Optional[float] = None  # 0–100 of all cores; None in the first reading
    core_percents: Tuple[float, ...] = ()
    user_percent: Optional[float] = None
    system_percent: Optional[float] = None
    iowait_percent: Optional[float] = None
    steal_percent: Optional[float] = None
    load: Optional[Tuple[float, ...]] = None  # 1, 5, 15 minutes
    memory: Memory = Memory()
    pressure: Optional[Pressure] = None
    network: Tuple[NetworkRate, ...] = ()
    devices: Tuple[DeviceRate, ...] = ()
    uptime_s: Optional[float] = None
    users: Tuple[str, ...] = ()
    process_count: Optional[int] = None


class Disk(NamedTuple):
    path: str  # as watched: a mount point or a configured path
    device: str = ""
    file_system: str = ""
    total_bytes: Optional[int] = None
    used_bytes: Optional[int] = None
    available_bytes: Optional[int] = None  # to an ordinary user
    inodes_total: Optional[int] = None
    inodes_used: Optional[int] = None
    read_only: bool = False
    fault: Optional[str] = None  # why the figures are missing


class GpuProcess(NamedTuple):
    pid: int
    memory_bytes: Optional[int] = None


class Gpu(NamedTuple):
    gpu_index: int  # as NVML numbers it
    uuid: str = ""
    name: str = ""
    fault: Optional[str] = None  # "lost", "not answering", an NVML error: in words
    lost: bool = False
    utilization_percent: Optional[float] = None
    memory_used_bytes: Optional[int] = None
    memory_total_bytes: Optional[int] = None
    temperature_c: Optional[float] = None
    power_w: Optional[float] = None
    power_limit_w: Optional[float] = None
    sm_clock_mhz: Optional[int] = None
    memory_clock_mhz: Optional[int] = None
    fan_percent: Optional[float] = None
    throttle_reasons: Tuple[str, ...] = ()
    ecc_corrected: Optional[int] = None
    ecc_uncorrected: Optional[int] = None
    xid: Optional[int] = None  # the last Xid error read, where readable
    processes: Tuple[GpuProcess, ...] = ()


class GpuReport(NamedTuple):
    """``gpus`` empty and ``fault`` None: there is no driver, or no GPU."""

    gpus: Tuple[Gpu, ...] = ()
    driver: Optional[str] = None
    fault: Optional[str] = None  # "GPU driver not answering since 12 s"
    age_s: Optional[float] = None  # of these readings


class Process(NamedTuple):
    """One process. Its identity is (boot id, PID namespace, pid, start ticks), never the pid alone."""

    pid: int
    start_ticks: int
    parent_pid: int
    name: str
    command: str  # argv joined by blanks, at most 4096 characters; "[name]" for a kernel thread
    user: str
    state: str  # one letter of /proc/PID/stat
    cpu_percent: Optional[float] = None  # of one core
    memory_bytes: Optional[int] = None  # resident
    gpu_memory_bytes: Optional[int] = None
    threads: Optional[int] = None
    started_at: Optional[float] = None  # wall clock, derived; for people only


class Sample(NamedTuple):
    """One reading of a node, once an interval."""

    sequence: int
    clock: float
    boottime: float
    host: Host
    disks: Tuple[Disk, ...] = ()
    gpu: GpuReport = GpuReport()
    top: Tuple[Process, ...] = ()  # the busiest by CPU, then by memory; none twice


COUNTING = "counting…"  # the reason of a dataset whose first count goes on: wait, more will come


class DatasetCount(NamedTuple):
    """What one dataset holds on one node.

    ``records`` is None with ``reason`` until the first count ended or where it cannot be counted.
    ``unreadable`` names at most 20 of the ``unreadable_files``; faults name torn and odd files in words.
    """

    name: str
    files: Optional[int] = None
    records: Optional[int] = None
    bytes: Optional[int] = None
    newest_at: Optional[float] = None  # mtime of the newest file, the node's wall clock
    reason: Optional[str] = None
    unreadable_files: int = 0
    unreadable: Tuple[str, ...] = ()
    faults: Tuple[str, ...] = ()
    shards: Tuple[str, ...] = ()  # "hash:records" of each sealed shard, for totals across nodes
    shards_listed: bool = False  # False: too many to list, or not a dataset of shards


class DatasetReport(NamedTuple):
    """All counts of the node; sent whenever one changed."""

    clock: float
    counts: Tuple[DatasetCount, ...] = ()


class Notice(NamedTuple):
    """Something the agent wants a person to know."""

    level: str  # info, warning, error
    text: str


# ---------------------------------------------------------------- asks, from the console down


class DatasetWatch(NamedTuple):
    name: str
    paths: Tuple[str, ...]  # globs, relative to the root of the node
    method: str  # `count` of the settings: lines, shards, sqlite:TABLE, parquet, files


class Configure(NamedTuple):
    """What the console wants to see. Sent after hello and whenever it changes."""

    interest: str = (
        "summary"  # off: heartbeats only; summary; full: with per-core and per-device figures
    )
    interval_s: float = 1.0
    top: int = 8
    root: str = ""  # "" is the home directory
    disks: Tuple[str, ...] = ()  # paths to watch; empty: every local file system of size
    datasets: Tuple[DatasetWatch, ...] = ()
    count_interval_s: float = 10.0


class ProcessIdentity(NamedTuple):
    boot_id: str
    pid_namespace: int
    pid: int
    start_ticks: int


class ListProcesses(NamedTuple):
    """Answered by ``ProcessTable``."""

    limit: int = 20_000


class DescribeProcess(NamedTuple):
    """Answered by ``ProcessDetails``."""

    process: ProcessIdentity


class SignalProcess(NamedTuple):
    """Answered by ``SignalOutcome``. ``signal`` is TERM, KILL, INT, STOP or CONT."""

    process: ProcessIdentity
    signal: str


class ExplainDisk(NamedTuple):
    """What fills this disk. Stays on one file system, ends at the budget. Answered by ``DiskExplanation``."""

    path: str
    budget_s: float = 5.0


class Uninstall(NamedTuple):
    """What the agent keeps on its node; with ``confirm`` it is removed. Answered by ``UninstallReport``."""

    confirm: bool = False


class CountNow(NamedTuple):
    """Count every dataset again at once. Answered by ``DatasetReport``."""


# ---------------------------------------------------------------- replies


class ProcessTable(NamedTuple):
    processes: Tuple[Process, ...]
    truncated: bool = False
    restricted: bool = False  # the system hides processes of other users from the agent


class ProcessDetails(NamedTuple):
    """More about one process; what the system would not tell is None, and ``missing`` says why."""

    process: Process
    executable: Optional[str] = None
    directory: Optional[str] = None
    open_files: Optional[Tuple[str, ...]] = None
    connections: Optional[Tuple[str, ...]] = None
    read_bytes: Optional[int] = None
    written_bytes: Optional[int] = None
    affinity: Optional[Tuple[int, ...]] = None
    nice: Optional[int] = None
    cgroup: Optional[str] = None
    context_switches: Optional[int] = None
    missing: Tuple[str, ...] = ()


class SignalOutcome(NamedTuple):
    delivered: bool
    reason: (
        str  # "delivered", "already gone", "another process has this number now", "not permitted"
    )


class DiskEntry(NamedTuple):
    path: str
    bytes: int  # allocated, as du counts
    files: int


class DiskExplanation(NamedTuple):
    path: str
    entries: Tuple[DiskEntry, ...]  # the largest first
    files: int
    elapsed_s: float
    complete: bool  # False: the budget ended first
    unreadable: int = 0
    deleted_open_bytes: Optional[int] = None  # deleted files that a process still holds open


class UninstallReport(NamedTuple):
    """What lies there, or lay there where ``removed``. ``kept`` says what stays and why."""

    paths: Tuple[str, ...] = ()
    bytes: int = 0
    removed: bool = False
    kept: Tuple[str, ...] = ()


class Failure(NamedTuple):
    """A request failed. ``code``: unknown_message, bad_request, gone, not_permitted, failed, unsupported."""

    code: str
    text: str


AGENT_MESSAGES: Tuple[Type[Any], ...] = (
    Hello, Heartbeat, Sample, DatasetReport, Notice,
    ProcessTable, ProcessDetails, SignalOutcome, DiskExplanation, UninstallReport, Failure,
    workers.WorkerReport, workers.WorkerReply, workers.WorkerCheck, workers.WorkerDetails,
    workers.OrphanReport, workers.Done, code.CodeStored,
    logs.TailNote, logs.TailEnded, logs.LogMatches, logs.LogErrors,
    ledger.FileList, ledger.ManifestPart,
)  # fmt: skip
CONSOLE_MESSAGES: Tuple[Type[Any], ...] = (
    Heartbeat, Configure, ListProcesses, DescribeProcess, SignalProcess, ExplainDisk, CountNow, Uninstall,
    workers.WatchWorkers, workers.StartWorker, workers.CheckWorker, workers.CommandWorker,
    workers.ForgetWorker, workers.DescribeWorker, workers.FindOrphans, workers.AdoptProcess,
    workers.ClearOrphan, code.StoreCode,
    logs.OpenTail, logs.TailCredit, logs.CloseTail, logs.SearchLog, logs.FindErrors,
    ledger.ListFiles, ledger.ReadManifest,
)  # fmt: skip
