"""Questions of SSH logins, asked on the screen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from console.channels.prompt import Prompt

if TYPE_CHECKING:
    from console.ui.app import QuarterdeckApp


class ScreenPrompter:
    """A `Prompter` that waits until there is a screen, and closes its dialog when nobody waits any more."""

    def __init__(self) -> None:
        self._app: QuarterdeckApp | None = None
        self._ready = asyncio.Event()

    def attach(self, app: QuarterdeckApp) -> None:
        """The screen is there: questions can be shown."""
        self._app = app
        self._ready.set()

    async def ask(self, prompt: Prompt) -> str | None:
        """The answer, or None when the person declined."""
        from console.ui.modals.prompt import PromptModal  # Textual is loaded by then, not before

        await self._ready.wait()
        assert self._app is not None
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        modal = PromptModal(prompt)

        def answered(value: str | None) -> None:
            if not answer.done():
                answer.set_result(value)

        self._app.push_screen(modal, answered)
        try:
            return await answer
        finally:
            if modal.is_attached and modal.is_active:
                modal.dismiss(None)
