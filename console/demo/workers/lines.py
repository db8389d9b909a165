"""What a scripted worker prints: lines of its log by number, and what it says at its end."""

from __future__ import annotations

from datetime import datetime, timezone

from console.demo.noise import fraction, wander
from console.demo.workers.cast import Course, Role
from workers.protocol import ERR, OUT

_GREEN, _YELLOW, _RED, _DIM, _OFF = "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[2m", "\x1b[0m"

Said = tuple[int, str]  # which stream, and the text with its line end


def line(role: Role, number: int, clock: float) -> Said:
    """The line with this number; `clock` is the node's wall clock when it is written."""
    usual = _job if role.kind == "job" else _selfplay
    make = {"train": _training, "gauntlet": _gauntlet}.get(role.preset, usual)
    return make(role, number, clock)


def period_s(role: Role) -> float:
    """Between two lines."""
    return 2.0 if role.preset == "train" else 3.0


def opening(role: Role, clock: float) -> list[Said]:
    """What it says when it starts."""
    if role.kind == "job":
        nodes = ", ".join(leg.node for leg in role.legs)
        return [
            (OUT, f"{_stamp(clock)} {' '.join(role.command)}\n"),
            (OUT, f"{_stamp(clock)} plan: {nodes or 'this machine'}\n"),
        ]
    return [
        (OUT, f"{_stamp(clock)} {' '.join(role.command)}\n"),
        (OUT, f"{_stamp(clock)} device {_device(role)}, threads 1, dtype bf16, batch 256 (probed)\n"),
        (ERR, f"{_stamp(clock)} {_YELLOW}WARNING{_OFF} no compiled engine for this board: slower by a third\n"),
    ]  # fmt: skip


def ending(role: Role, clock: float) -> list[Said]:
    """What it said when its course began."""
    said = _ENDINGS.get(role.course)
    if said is None:
        return []
    return [(which, text.replace("{at}", _stamp(clock)).replace("{pid}", str(role.pid))) for which, text in said]  # fmt: skip


def stopping(clock: float) -> Said:
    return (
        OUT,
        f"{_stamp(clock)} {_YELLOW}SIGTERM{_OFF}: search stopped, 3 games written, shard sealed\n",
    )


def draining(clock: float) -> Said:
    return OUT, f"{_stamp(clock)} drain asked: finishing 212 games, no new ones\n"


def _stamp(clock: float) -> str:
    moment = datetime.fromtimestamp(clock, timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"


def _device(role: Role) -> str:
    return f"cuda:{role.gpu_indices[0]}" if role.gpu_indices else "cpu"


def _selfplay(role: Role, number: int, clock: float) -> Said:
    if role.says and number % 7 == 3:
        return OUT, f"\x1b[2J\x1b]52;c;cm0gLXJm\x07[/x] {role.says}\u202e\n"
    games = int(role.done + number * role.per_minute * period_s(role) / 60)
    if number % 11 == 5:
        return (
            OUT,
            f"{_stamp(clock)} {_DIM}rate {role.per_minute:.1f} games/min, batch fill "
            f"{70 + 25 * fraction(role.pid, number):.0f} %, truncated 0.0 %{_OFF}\n",
        )
    score = int(60 * fraction(role.pid, "score", number)) - 30
    ink = _GREEN if score > 0 else _YELLOW
    return (
        OUT,
        f"{_stamp(clock)} game {games:>7}  {ink}{score:+3d}{_OFF}  {52 + number % 9} plies  "
        f"{0.2 + fraction(role.pid, number):.2f} s\n",
    )


def _training(role: Role, number: int, clock: float) -> Said:
    """Every fifth line a log line, the others one turn of a progress bar each."""
    step, turn = divmod(number, 5)
    loss = 1.9 - 0.4 * min(1.0, number / 2_000) + 0.05 * wander(role.pid, "loss", number)
    if turn == 4:
        if step % 97 == 41:
            return ERR, f"{_stamp(clock)} {_YELLOW}WARNING{_OFF} loss is nan at step {step * 50}: step skipped (1 of 20)\n"  # fmt: skip
        return OUT, f"{_stamp(clock)} step {step * 50:>7} {_GREEN}loss/policy {loss:.3f}{_OFF} loss/value {loss / 4:.3f} lr 3.0e-04\n"  # fmt: skip
    percent = (number * 7) % 100
    bar = ("█" * (percent // 10)).ljust(10)
    end = "\n" if percent > 93 else "\r"
    epoch = int(role.done)
    return ERR, f"epoch {epoch}/100: {percent:3d}%|{bar}| {percent * 19}/1931 [01:12<00:39, 11.3it/s, loss={loss:.3f}]{end}"  # fmt: skip


def _gauntlet(role: Role, number: int, clock: float) -> Said:
    won = ("a", "b", "draw")[int(3 * fraction(role.pid, number))]
    ink = {"a": _GREEN, "b": _RED, "draw": _DIM}[won]
    return OUT, f"{_stamp(clock)} match {200 + number // 9:>4} opening {number % 50:>2}: {ink}{won:>4}{_OFF}  elo {31 + number % 5} ± 18\n"  # fmt: skip


def _job(role: Role, number: int, clock: float) -> Said:
    """What rsync says of a file, as the job passes it on."""
    names = [leg.node for leg in role.legs if not leg.fault] or ["this machine"]
    pace = 40 + 60 * fraction(role.pid, number)
    size = 2.1 * fraction(role.pid, "size", number)
    said = (
        f"{names[number // 40 % len(names)]}: shard-{number:05}.jsonl {size:.2f} MB {pace:.0f} MB/s"
    )
    return OUT, f"{_stamp(clock)} {said}\n"


_TRACE = 'Traceback (most recent call last):\n  File "/home/mara/run/workers/selfplay/__main__.py", line 88, in <module>\n    main()\n  File "/home/mara/run/workers/selfplay/loop.py", line 141, in play\n    {line}\n'
_ENDINGS: dict[Course, tuple[Said, ...]] = {
    Course.DISK_FULL: (
        (ERR, "{at} " + _RED + "ERROR" + _OFF + " cannot write: games are kept in memory\n"),
        (ERR, _TRACE.replace("{line}", "journal.append(game)") + "OSError: [Errno 28] No space left on device: 'data/selfplay/hex8_2p/open/{pid}.jsonl'\n"),
    ),
    Course.SILENT: ((ERR, "{at} NCCL WARN Watchdog: collective 88121 timed out after 600 s\n"),),
    Course.WRITES_HANG: ((OUT, "{at} sealing shard 0412 …\n"),),
    Course.CRASH_LOOP: (
        (ERR, _TRACE.replace("{line}", "net = Net.load(path).to(device)") + "RuntimeError: CUDA error: device-side assert triggered (GPU is lost)\n"),
    ),
    Course.BACK_OFF: (
        (ERR, _TRACE.replace("{line}", "values = net(batch)") + "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.25 GiB. GPU 7 has a total capacity of 23.65 GiB of which 1.31 GiB is free.\n"),
    ),
    Course.OUT_OF_MEMORY: ((OUT, "{at} window 40000000 records: sorting in memory\n"),),
    Course.CONFIGURATION: (
        (ERR, "{at} " + _RED + "ERROR" + _OFF + " configuration: --board hex9 is not known; hex8, hexagonal, square8, square19 are\n"),
    ),
    Course.DONE: ((OUT, "{at} all done, nothing left out\n"),),
    Course.PARTIAL: ((ERR, "{at} " + _YELLOW + "WARNING" + _OFF + " partial: some nodes are not done; what arrived is kept\n"),),
    Course.REFUSED: ((ERR, "{at} " + _RED + "ERROR" + _OFF + " rclone: AccessDenied: the access key is expired (403)\n"),),
    Course.STOPPED: ((OUT, "{at} SIGTERM: search stopped, 3 games written, shard sealed\n"),),
}  # fmt: skip
