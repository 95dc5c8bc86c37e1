"""What a browser session's terminal UI reads from and writes to."""

from __future__ import annotations

from contextlib import suppress

from textual.drivers.web_driver import WebDriver
from textual.messages import ExitApp


class Driver(WebDriver):
    """Textual's, which ends the session when whoever serves it is gone, however that went.

    Textual's only stops reading then: a session that has nothing to write would stay for good.
    """

    def write(self, data: str) -> None:
        with suppress(BrokenPipeError):
            super().write(data)

    def write_meta(self, data: dict[str, object]) -> None:
        with suppress(BrokenPipeError):
            super().write_meta(data)

    def run_input_thread(self) -> None:
        super().run_input_thread()
        if not self.exit_event.is_set():
            self._app.post_message(ExitApp())
