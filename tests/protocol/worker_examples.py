"""One full example of each message about workers and logs."""

from __future__ import annotations

from typing import Any

from workers import protocol as p

RUN = "0f" * 16
SPEC = p.WorkerSpec(
    run_id=RUN, name="train-1", command=("python3", "train.py", "--lr", "1e-3", "ü “x”"), schema=1,
    preset="train", kind="job", directory="work/reversi",
    environment=(p.Variable("OMP_PLACES", "cores"),),
    secrets=(
        p.SecretReference("WANDB_API_KEY", "env", "WANDB_API_KEY"),
        p.SecretReference("S3_KEY", "file", "/home/ada/.s3key"),
    ),
    unbuffered=False, interpreters=("venv-ultralytics", "/usr/bin/python3"), needs=("torch",),
    gpus=2, gpu_indices=(0, 3), nice=5, affinity=(0, 1, 2), threads=4,
    restart=p.RestartRule("on-failure", 3, 300.0, 2.0, 60.0, 30.0), grace_s=30.5,
    stop_signal="INT", drain=True, drain_signal="USR2", on_boot="restart", leftovers="kill",
    singleton="trainer", singleton_scope="fleet", lock_files=("train.lock",),
    preflight=p.Preflight((p.DiskNeed("/data", 1 << 40),), ("data/index.json",), 1 << 33),
    progress_pattern=r"epoch (?P<done>\d+)/(?P<total>\d+)", progress_unit="epoch",
    progress_dataset="selfplay", tags=("reversi",), by="ada@desk",
)  # fmt: skip
RECORD = p.WorkerRecord(
    run_id=RUN, name="train-1", state="running", desired="drained",
    flags=("adopted", "kill_pending"), lost_reason="reboot", preset="train", kind="job",
    command=("python3", "train.py"), attempt=3, restarts=2, crash_loop=True, pid=4242,
    start_ticks=987654, exit_code=75, signal=9, oom=True, core=True, error="no such file: train.py",
    started_at=1790000000.25, ended_at=1790000001.5, running_s=12.5, last_seen_at=1790000001.0,
    restart_in_s=4.0, stopping_s=1.5, grace_s=30.5, leftovers=2,
    kill_pending=("4711 in D state (ext4_sync)",), sequence=7, by="ada@desk", drain=True,
    gpu_indices=(0, 3), singleton="trainer", singleton_scope="fleet",
    progress=p.Progress(
        "train", 5.0, 100.0, "epoch", 0.5, "loss 1.83", "ok", "disk", 2.5, "log",
    ),
    progress_dataset="selfplay", processes=5, cpu_percent=399.5, memory_bytes=1 << 34,
    gpu_memory_bytes=1 << 36, blocked_in="ext4_sync", log_bytes=1 << 40, log_age_s=0.5,
    last_line="epoch 5/100", warnings=("no hole punching here: logs are not rotated",),
    tags=("reversi",),
)  # fmt: skip
ORPHAN = p.Orphan(
    "o-1", "stale_lock", "its process 77 ended", ("clear",), 77, 1234, "ada", "python3 x.py", RUN,
    "train-1", "/home/ada/train.lock",
)  # fmt: skip
POSITION = p.LogPosition(3, p.ERR, 1 << 40)

WORKER_EXAMPLES: tuple[Any, ...] = (
    p.WorkerReport(1790000000.5, (RECORD, p.WorkerRecord("ab", "other", "lost")), "read-only"),
    p.WorkerReply(RECORD, ("venv-x is not there: /usr/bin/python3 is used",)),
    p.WorkerCheck(
        ("/usr/bin/python3", "train.py"), "/home/ada/work", "/usr/bin/python3", (0, 3),
        ("a note",), ("2 GPUs are wanted, 1 is free",),
    ),
    p.WorkerDetails(
        RECORD, SPEC, "/s/nodes/k/runs/r", (p.WorkerEvent(1, 1790000000.5, "started"),),
        (p.MetricSeries("loss/policy", (1.0, 2.0), (1.83, 1.5)),), ("4242 python3 train.py",),
    ),
    p.OrphanReport((ORPHAN,), False, ("processes of other users",)),
    p.Done("the lock was removed"),
    p.WatchWorkers(50),
    p.StartWorker(SPEC),
    p.CheckWorker(SPEC),
    p.CommandWorker(RUN, "stop", "ada@desk", 2.5, 7),
    p.ForgetWorker(RUN),
    p.DescribeWorker(RUN, 60),
    p.FindOrphans(),
    p.AdoptProcess(RUN, 4242, 987654, "train-1", "ada@desk"),
    p.ClearOrphan("o-1", "clear"),
    p.StoreCode("ab" * 32, ("UEsF", "Bg==")),
    p.CodeStored(True),
)  # fmt: skip

LOG_EXAMPLES: tuple[Any, ...] = (
    p.TailNote("gap", "1000 bytes were dropped", 3, p.ERR, 1 << 40, 1000),
    p.TailEnded("over", "the run ended"),
    p.LogMatches(
        (p.LogMatch(3, p.OUT, 77, "loss nan", 1790000000.5),), False, POSITION, 1 << 33,
    ),
    p.LogErrors(
        (
            p.LogErrorGroup(
                "traceback", "ValueError: x (train.py:31)", 12, p.LogPosition(1, p.ERR, 5),
                POSITION, 1790000000.5, "Traceback …",
            ),
        ),
        False, 1 << 20,
    ),
    p.OpenTail(RUN, "/var/log/syslog", "err", False, -1, (POSITION,), 2, "loss|nan", 4096),
    p.TailCredit(65_536),
    p.CloseTail(),
    p.SearchLog("nan", RUN, "/x.log", "out", False, False, POSITION, 10, 2.5),
    p.FindErrors(RUN, 2.5),
)  # fmt: skip

LEDGER_EXAMPLES: tuple[Any, ...] = (
    p.ListFiles(("data/*.jsonl", "/mnt/ü"), "sqlite:games", "~/run", "data/a.jsonl", 100),
    p.FileList(
        ('["data/b.jsonl",12,10,2,1790000000000000000,"","lines",true]',), "data/b.jsonl",
        ("data/x: a FIFO, refused",), "cd" * 16, 1 << 40,
    ),
    p.ReadManifest("~/.local/share/quarterdeck/data", "hex8_2p", "synced", 812),
    p.ManifestPart(('{"schema":1,"crc":7}',), 1 << 33, True, True, False, False, ("the line at byte 7",)),
)  # fmt: skip
