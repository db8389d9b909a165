"""Dialogs: trust, diagnosis, confirmation, prompts, the host picker."""

from __future__ import annotations

import asyncio

from textual.widgets import Input

from console.channels.prompt import Prompt, PromptKind
from console.ui.modals.audit import AuditModal
from console.ui.modals.confirm import ConfirmModal
from console.ui.modals.diagnose import DiagnoseModal
from console.ui.modals.hosts import HostPicker
from console.ui.modals.prompt import PromptModal
from console.ui.modals.trust import TrustModal
from console.ui.prompter import ScreenPrompter
from tests.ui_details.consoles import DemoConsole, open_node, screen_text, settled, until


async def test_the_trusted_node_comes_up_and_only_the_word_trusts() -> None:
    app = DemoConsole(15, frozen=False)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_node(pilot, "vast-3")
        node = app.runtime.store.nodes
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TrustModal), "the dialog")
        shown = node["vast-3"].link.problem.host_key
        assert shown.fingerprint.removeprefix("SHA256:") in screen_text(pilot)
        assert "ssh-ed25519" in screen_text(pilot)
        await pilot.press("y", "enter")
        await pilot.pause(0.1)
        assert isinstance(app.screen, TrustModal)
        assert node["vast-3"].state == "attention"
        await pilot.press("backspace", *"trust", "enter")
        await until(pilot, lambda: node["vast-3"].state == "up", "the node to come up")
        assert app.runtime.audit.tail(1)[0].verb == "nodes.trust"


async def test_a_changed_key_is_blocked_and_takes_no_word() -> None:
    app = DemoConsole(15)
    async with app.run_test(size=(100, 34)) as pilot:
        await open_node(pilot, "vast-4")
        await pilot.press("T")
        await until(pilot, lambda: isinstance(app.screen, TrustModal), "the dialog")
        key = app.runtime.store.nodes["vast-4"].link.problem.host_key
        text = screen_text(pilot)
        assert key.fingerprint.removeprefix("SHA256:") in text
        assert key.known_fingerprints[0].removeprefix("SHA256:") in text
        assert "known_hosts:12" in text
        assert "ssh-keygen -R 198.51.100.15" in text
        assert not app.screen.query(Input)
        await pilot.press(*"trust", "enter")
        await pilot.pause(0.1)
        assert app.runtime.audit.tail() == []


async def test_read_only_does_not_trust() -> None:
    app = DemoConsole(15, read_only=True)
    async with app.run_test(size=(100, 30)) as pilot:
        await open_node(pilot, "vast-3")
        app.push_screen(TrustModal("vast-3"))
        await until(pilot, lambda: isinstance(app.screen, TrustModal), "the dialog")
        await pilot.press(*"trust", "enter")
        await until(pilot, lambda: "read-only" in screen_text(pilot), "the refusal")
        assert app.runtime.store.nodes["vast-3"].state == "attention"


async def test_the_diagnosis_names_fact_reason_key_and_last_commands() -> None:
    app = DemoConsole(4, frozen=False)
    async with app.run_test(size=(110, 50)) as pilot:
        await open_node(pilot, "gpu-3")
        await app.runtime.datasets.recount("gpu-3")
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, DiagnoseModal), "the diagnosis")
        text = screen_text(pilot)
        assert "/data is full" in text
        assert "64 cores" in text
        assert "datasets.recount" in text
        await pilot.press("escape")
        app.push_screen(AuditModal())
        await until(pilot, lambda: "datasets.recount" in screen_text(pilot), "the audit log")


async def test_force_on_more_than_one_wants_the_typed_number() -> None:
    app = DemoConsole(2)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        answers: list[bool | None] = []
        modal = ConfirmModal(
            "Reboot",
            "reboot",
            ["sudo reboot [/x]"],
            ["gpu-1", "gpu-2"],
            warning="work is lost",
            typed="2",
        )
        app.push_screen(modal, answers.append)
        await until(pilot, lambda: "sudo reboot [/x]" in screen_text(pilot), "the command")
        assert "on 2 nodes: gpu-1, gpu-2" in screen_text(pilot)
        await pilot.press("enter", "1", "enter")
        assert answers == []
        await pilot.press("backspace", "2", "enter")
        await until(pilot, lambda: answers == [True], "the confirmation")


async def test_a_password_is_asked_unseen_and_a_question_nobody_waits_for_goes_away() -> None:
    app = DemoConsole(2)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        prompter = ScreenPrompter()
        prompter.attach(app)
        prompt = Prompt("gpu-1", "Password of mara", "gpu-1 [/x] asks", kind=PromptKind.PASSWORD)
        asked = asyncio.create_task(prompter.ask(prompt))
        await until(pilot, lambda: isinstance(app.screen, PromptModal), "the prompt")
        await pilot.press(*"s3cret")
        assert "s3cret" not in screen_text(pilot)
        assert "gpu-1 [/x] asks" in screen_text(pilot)
        await pilot.press("enter")
        assert await asked == "s3cret"
        declined = asyncio.create_task(prompter.ask(prompt))
        await until(pilot, lambda: isinstance(app.screen, PromptModal), "the second prompt")
        await pilot.press("escape")
        assert await declined is None
        late = asyncio.create_task(prompter.ask(prompt))
        await until(pilot, lambda: isinstance(app.screen, PromptModal), "the third prompt")
        late.cancel()
        await until(pilot, lambda: not isinstance(app.screen, PromptModal), "the prompt to close")


async def test_hosts_are_picked_and_those_shown_already_are_left_out() -> None:
    app = DemoConsole(2)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        picked: list[tuple[str, ...] | None] = []
        app.push_screen(HostPicker(["one", "gpu-1", "two", "three"]), picked.append)
        await until(pilot, lambda: "three" in screen_text(pilot), "the picker")
        await pilot.press("space", "j", "space", "enter")
        await until(pilot, lambda: picked, "the choice")
        assert picked == [("one", "three")]
