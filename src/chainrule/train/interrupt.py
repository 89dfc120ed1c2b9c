"""Ctrl-C at a moment when nothing is half done."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Interrupt:
    """Inside, Ctrl-C waits until `check` is called; a second one does not wait.

    Only the main thread hears of it, and a handler of the user's own stays as it is.
    """

    def __init__(self) -> None:
        self.asked = self.calm = False  # calm: it was raised where nothing is half done
        self.before: Any = None

    def __enter__(self) -> Interrupt:
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.before = signal.signal(signal.SIGINT, self._asked)
        return self

    def _asked(self, *_: Any) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for."""
        if self.asked:
            self.asked, self.calm = False, True
            raise KeyboardInterrupt

    def __exit__(self, *error: Any) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
            self.before = None
