"""What can be typed behind `/`, for the hint in its line and for the help: one list for each kind of row."""

from __future__ import annotations

from typing import NamedTuple


class FilterWords(NamedTuple):
    """`hint` stands in the empty line; `rows` are examples with what they mean."""

    hint: str
    rows: tuple[tuple[str, str], ...]


NODES = FilterWords(
    "gpu>90  tag:selfplay  !state:up  name~gpu  disk>80  mem>50  alert:any  text",
    (
        ("gpu>90  mem>=50  disk>80", "a figure; of several (GPUs, disks) any"),
        ("load>1  temp>80  records>1000", "also cpu, swap, gpumem, power, procs, uptime, rtt"),
        ("tag:selfplay  state:down,stale", "a word, or one of several"),
        ("name~^gpu-[0-9]+$", "a regular expression"),
        ("alert:any  alert:disk", "has an alert, or one of this kind"),
        ('hex8  "two words"', "in the name, host, tags or busiest processes"),
        ("!state:up", "the opposite"),
    ),
)
WORKERS = FilterWords(
    "state:running  health:stalled  node:gpu-1  !tag:train  rate<10  restarts>0  text",
    (
        ("state:running,backoff", "a word, or one of several; also desired, health, kind"),
        ("worker:selfplay  node:gpu-1", "part of a name; also preset, tag, line, reason"),
        ("rate<10  progress>50", "a figure: units a minute, percent of the whole"),
        ("restarts>0  cpu>90  mem>8", "also gpumem (both in GiB), uptime (in days)"),
        ("flag:any  flag:adopted", "has a flag, or this one"),
        ("worker~^selfplay-[0-9]+$", "a regular expression"),
        ('hex8  "two words"', "in the name, node, preset, tags or command"),
        ("!health:ok", "the opposite"),
    ),
)
JOBS = FilterWords(
    "state:failed,partial  kind:backup  node:gpu-1  section:history  progress<50  text",
    (
        ("state:failed,partial", "a word, or one of several; also message, run"),
        ("kind:sync  section:scheduled", "kind; running, queued, scheduled or history"),
        ("job:nightly  node:gpu-1", "part of a name; where it runs, or what it works on"),
        ("progress<50  failed>0  nodes>3", "a figure: percent of the whole, nodes"),
        ("gb>10  rate>5", "gigabytes, megabytes a second"),
        ("job~^sync", "a regular expression"),
        ('refused  "two words"', "in the name, kind, state, nodes or message"),
        ("!section:history", "the opposite"),
    ),
)
PROCESSES = FilterWords(
    "python  user:mara  cpu>50  state:R  pid:4711  !root",
    (
        ("python train", "in the name, command, user or number"),
        ("user:mara  state:R  pid:4711", "a word"),
        ("cpu>50", "percent of one core"),
        ("!root", "the opposite"),
    ),
)
TEXT = FilterWords(
    "words, all must be there; !word must not",
    (("full data", "each word somewhere in the row"), ("!seen", "the opposite")),
)
