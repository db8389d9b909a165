"""A canary in every place where a secret can be, and a look at everything that is written or shown."""

from __future__ import annotations

import sys
from pathlib import Path

from console.settings.load import load
from console.ui.logbook import Logbook
from tests.cli.program import Program
from tests.runtimes import runtime_of, settings_file
from tests.terminal import Terminal

CANARY = "hunter2canary"
SETTINGS = f"""\
nodes:
  - name: gpu-1
    address: 127.0.0.1
    port: 1
    environment: {{WANDB_API_KEY: {CANARY}}}
notify:
  command: [send, --token, {CANARY}]
  webhook:
    url: https://hooks.example.com/services/{CANARY}?key={CANARY}
    token: {{from_env: HOOK_TOKEN}}
"""


def test_the_settings_are_shown_without_their_secrets(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.settings(SETTINGS)
    for argv in (("config", "show"), ("config", "show", "--json"), ("nodes", "list", "--json")):
        done = program(*argv, HOOK_TOKEN=CANARY)
        assert done.code == 0, done.err
        assert CANARY not in done.out + done.err
    webhook = program("config", "show", "--json").json["settings"]["notify"]["webhook"]
    assert webhook["url"].startswith("https://hooks.example.com/")
    assert webhook["token"]["from_env"] == "HOOK_TOKEN"


def test_no_repr_holds_a_secret(tmp_path: Path) -> None:
    file = settings_file(tmp_path, SETTINGS)
    loaded = load(file, {"HOME": str(tmp_path), "HOOK_TOKEN": CANARY})
    shown = (
        repr(loaded.settings.notify.webhook) + repr(loaded.settings.nodes) + repr(loaded.specs())
    )
    assert CANARY not in shown


async def test_nothing_of_an_action_s_secrets_reaches_the_state_directory(tmp_path: Path) -> None:
    settings_file(tmp_path, "nodes: [local]\n")
    async with runtime_of(tmp_path) as runtime:
        with runtime.nodes._acts.recorded("local", "run", ["x", f"--password={CANARY}"]) as act:
            act.result = f"failed: token={CANARY}"
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert b"--password" in written
    assert CANARY.encode() not in written


def test_the_log_of_the_console_keeps_neither_secrets_nor_escapes(tmp_path: Path) -> None:
    log = Logbook(tmp_path)
    secret = f"password={CANARY}"
    try:
        raise ValueError(f"{secret} \x1b]52;c;aGk=\x07\x9b2J \udc80")
    except ValueError as error:
        log.record("testing", error)
    text = log.path.read_text()
    assert "ValueError" in text
    assert CANARY not in text
    assert not {"\x1b", "\x07", "\x9b"} & set(text)


def test_a_console_that_fails_prints_no_locals(tmp_path: Path) -> None:
    """Textual's own last words list the locals of every frame."""
    code = f"""
import sys
from console.ui import app
def fail(self):
    secret_local = {CANARY!r}
    raise RuntimeError('broken')
app.QuarterdeckApp.get_default_screen = fail
from console.cli.main import run
sys.exit(run(['--demo']))
"""
    script = tmp_path / "broken.py"
    script.write_text(code)
    environment = {**Program(tmp_path).environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    with Terminal([sys.executable, str(script)], 120, 40, environment) as terminal:
        code_of_exit = terminal.wait_for_exit(30)
        assert code_of_exit != 0
        assert "The traceback is in" in terminal.text.replace("\n", "")
        assert CANARY not in terminal.raw.decode("utf-8", "replace")
    for path in tmp_path.rglob("console.log*"):
        assert "RuntimeError: broken" in path.read_text()
