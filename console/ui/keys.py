"""The keys that hold on every screen. Each has an id, by which the settings' `ui.keys` rebinds it.

A key whose action does not apply now is neither in the footer nor does it do anything (`check_action`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.binding import Binding
from textual.keys import _character_to_key

from console.ui.registry import SCREENS

# Actions that change something, there or here, or open a shell: gone with --read-only.
CHANGING = frozenset({
    "shell", "trust", "acknowledge", "start_worker", "stop_workers", "kill_workers", "restart_workers",
    "force_restart_workers", "drain_workers", "forget_workers", "run_command", "start_preset",
})  # fmt: skip


def key(keys: str, action: str, label: str, help_text: str, show: bool = False) -> Binding:
    """A binding whose id is the action's name."""
    name = action.partition("(")[0].rpartition(".")[2]
    return Binding(keys, action, label, show=show, id=name, tooltip=help_text)


APP_KEYS = [
    key("question_mark", "help", "help", "the keys of this screen, and what they do", show=True),
    key("S", "start_worker", "start", "start workers: a preset or a command, where and how many", show=True),
    key("x", "stop_workers", "stop", "stop workers: asked to end, killed after their grace time", show=True),
    key("l,L", "show_logs", "logs", "the logs of the selection; of the marked, merged by time", show=True),
    key("b", "jobs_menu", "jobs", "sync, aggregate, backup …: each shows its plan first", show=True),
    key("colon,ctrl+p", "command_palette", "palette", "every action by its name", show=True),
    key("slash", "filter", "filter", "show only what matches: gpu>90  tag:x  !state:up", show=True),
    key("r", "restart_workers", "restart", "stop workers, then start them again", show=True),
    key("D", "drain_workers", "drain", "let workers finish their unit, take no more, and end", show=True),
    key("exclamation_mark", "run_command", "run", "run a command on the marked nodes; the output of each", show=True),
    key("X", "kill_workers", "kill", "kill workers, the whole tree at once"),
    key("R", "force_restart_workers", "force restart", "kill workers, then start them again"),
    key("F", "forget_workers", "forget", "forget runs that are over: their folders and logs are removed"),
    key("o", "orphans", "orphans", "processes no record owns, dead records, duplicates, stale locks"),
    key("escape", "back", "back", "one level back: filter, zoom, marks, screen"),
    key("q", "leave", "leave", "one screen back; on the first, leave: the nodes go on"),
    Binding("ctrl+q", "quit", "quit", show=False, id="quit", priority=True,
            tooltip="quit at once; nothing on the nodes stops"),
    key("ctrl+z", "suspend_process", "suspend", "back to the shell; `fg` returns"),
    key("d", "diagnose", "diagnose", "facts, why, and the key that helps", show=True),
    key("s", "shell", "shell", "a shell on the node; the console comes back on exit", show=True),
    key("T", "trust", "trust", "trust the host key this node shows", show=True),
    key("a", "acknowledge", "ack", "acknowledge the alerts of the node", show=True),
    key("A", "alert_history", "alert history", "alerts that came and went"),
    key("y", "copy", "copy", "copy what the cursor stands on (OSC 52: works over SSH)"),
    key("ctrl+s", "save_view", "save view", "write the screen to a file, as text and as a picture"),
    key("p", "pause", "pause", "hold the screen still; the facts go on behind it"),
    key("plus", "interval(1)", "faster", "a shorter interval between readings"),
    Binding("minus", "interval(-1)", "slower", show=False, id="interval_slower",
            tooltip="a longer interval between readings"),
    key("ctrl+r,f5", "refresh_now", "refresh", "draw again; try nodes that are down at once"),
    key("m", "mouse", "mouse", "mouse capture off and on, so that the terminal can select"),
]  # fmt: skip

# On the screens, not on the app: there Textual has its own use for it.
HOW_TO_QUIT = Binding("ctrl+c", "app.how_to_quit", "how to quit", show=False, id="how_to_quit",
                      tooltip="says how to quit")  # fmt: skip


def screen_keys() -> list[Binding]:
    """A digit for each screen that is built."""
    return [
        Binding(
            entry.key,
            f"show_screen('{entry.name}')",
            entry.title,
            show=False,
            id=f"screen_{entry.name}",
            tooltip=f"the {entry.title} screen",
        )
        for entry in SCREENS
        if entry.built and entry.key
    ]


def keymap(wanted: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
    """The settings' `ui.keys` as Textual wants it: keys by commas; `?` may be written for question_mark."""
    found = {}
    for action, keys in wanted.items():
        names = keys.split(",") if isinstance(keys, str) else keys
        found[action] = ",".join(_named(name.strip()) for name in names)
    return found


def _named(key: str) -> str:
    if len(key) == 1 and not key.isalnum():
        return _character_to_key(key)
    return key if len(key) == 1 else key.lower().replace("ctrl-", "ctrl+")
