"""One full example of each message. Its bytes of the first release lie in `golden/` and must load for ever."""

from __future__ import annotations

from typing import Any

from tests.protocol.worker_examples import LEDGER_EXAMPLES, LOG_EXAMPLES, WORKER_EXAMPLES
from workers import protocol as p

IDENTITY = p.ProcessIdentity("4f2c", 4026531836, 4242, 987654)
PROCESS = p.Process(
    pid=4242, start_ticks=987654, parent_pid=1, name="python3", command="python3 train.py --n 7",
    user="ada", state="R", cpu_percent=99.5, memory_bytes=1 << 30, gpu_memory_bytes=1 << 33,
    threads=12, started_at=1790000000.25,
)  # fmt: skip

EXAMPLES: tuple[Any, ...] = (
    p.Hello(
        protocol=1, agent="ab" * 32, node_key="cd" * 16, hostname="node-1", boot_id="4f2c",
        pid_namespace=4026531836, pid=77, user="ada", uid=1000, home="/home/ada",
        clock=1790000000.5, boottime=5000.25, cores=64, python="3.11.2",
        system="Debian GNU/Linux 12 (bookworm)", kernel="6.1.0", architecture="x86_64",
        cpu_model="EPYC", memory_bytes=1 << 38, state_directory="/home/ada/.local/state/quarterdeck",
        capabilities=("pidfd", "zstd"), warnings=("noise: “hello”",),
    ),
    p.Heartbeat(sequence=7, clock=1790000000.5, boottime=5000.25, echo=6, echo_age_s=0.5),
    p.Sample(
        sequence=3, clock=1790000000.5, boottime=5000.25,
        host=p.Host(
            cpu_percent=12.5, core_percents=(0.0, 25.0), user_percent=10.0, system_percent=2.5,
            iowait_percent=0.0, steal_percent=0.0, load=(0.5, 0.25, 0.125),
            memory=p.Memory(1 << 38, 1 << 37, 1 << 37, 1 << 30, 0, 0),
            pressure=p.Pressure(0.5, 0.25, None, 0.0, 0.0),
            network=(p.NetworkRate("eth0", 1000.0, None),),
            devices=(p.DeviceRate("nvme0n1", 0.0, 4096.0, 1.5),),
            uptime_s=5000.0, users=("ada",), process_count=312,
        ),
        disks=(p.Disk("/", "/dev/sda1", "ext4", 100, 60, 40, 10, 5, False, None),),
        gpu=p.GpuReport(
            gpus=(
                p.Gpu(
                    gpu_index=0, uuid="GPU-1", name="H100", utilization_percent=97.0,
                    memory_used_bytes=1 << 36, memory_total_bytes=1 << 37, temperature_c=66.0,
                    power_w=600.5, power_limit_w=700.0, sm_clock_mhz=1980, memory_clock_mhz=2619,
                    fan_percent=None, throttle_reasons=("power cap",), ecc_corrected=0,
                    ecc_uncorrected=0, xid=79, processes=(p.GpuProcess(4242, 1 << 33),),
                ),
                p.Gpu(gpu_index=1, fault="lost", lost=True),
            ),
            driver="550.54", fault=None, age_s=0.5,
        ),
        top=(PROCESS,),
    ),
    p.DatasetReport(
        clock=1790000000.5,
        counts=(
            p.DatasetCount(
                "selfplay", 3, 1000, 1 << 20, 1789999999.0, None, 1, ("/d/x: not permitted",),
                ("/d/y: torn",), ("abc:500",), True,
            ),
            p.DatasetCount("games", reason="counting"),
        ),
    ),
    p.Notice("warning", "a sample takes long"),
    p.ProcessTable((PROCESS,), True),
    p.ProcessDetails(
        PROCESS, "/usr/bin/python3", "/home/ada", ("/d/x",), ("tcp 1.2.3.4:22 LISTEN",), 1, 2,
        (0, 1), -5, "/user.slice", 99, ("connections: not permitted",),
    ),
    p.SignalOutcome(False, "already gone"),
    p.DiskExplanation("/", (p.DiskEntry("/var", 1 << 30, 12),), 100, 1.5, False, 2, 4096),
    p.UninstallReport(("/s/agents/agent-0.pyz", "/s/agents"), 1 << 18, True, ("/s/mine: not made by an agent",)),
    p.Failure("gone", "process 4242 is already gone"),
    p.Configure(
        "full", 0.5, 12, "/data", ("/", "/data"),
        (p.DatasetWatch("selfplay", ("sp/**/*.jsonl",), "lines"),), 5.0,
    ),
    p.ListProcesses(100),
    p.DescribeProcess(IDENTITY),
    p.SignalProcess(IDENTITY, "TERM"),
    p.ExplainDisk("/data", 2.5),
    p.CountNow(),
    p.Uninstall(True),
    *WORKER_EXAMPLES,
    *LOG_EXAMPLES,
    *LEDGER_EXAMPLES,
)  # fmt: skip
