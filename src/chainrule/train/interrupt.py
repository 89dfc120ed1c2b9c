"""Ctrl-C, and SIGTERM where it is asked for, at a moment when nothing is half done."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Termination:
    """Inside, SIGTERM is heard as Ctrl-C is; `heard` says whether it was.

    For a program that does nothing but train: in others SIGTERM has to end the process. Only the
    main thread hears of it, and a handler of the user's own stays as it is.
    """

    def __init__(self) -> None:
        self.heard = False
        self.before: Any = None

    def __enter__(self) -> Termination:
        if _main() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self.before = signal.signal(signal.SIGTERM, self)
        return self

    def __call__(self, *_: Any) -> None:
        self.heard = True
        raise KeyboardInterrupt

    def __exit__(self, *error: Any) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)
            self.before = None


class Interrupt:
    """Inside, Ctrl-C waits until `check` is called; a second one does not wait.

    So does SIGTERM within a `Termination`. Only the main thread hears of it, and a handler of the
    user's own stays as it is.
    """

    def __init__(self) -> None:
        self.asked = self.calm = False  # calm: it was raised where nothing is half done
        self.before: dict[int, Any] = {}

    def __enter__(self) -> Interrupt:
        for number in (signal.SIGINT, signal.SIGTERM) if _main() else ():
            handler = signal.getsignal(number)
            if handler is signal.default_int_handler or isinstance(handler, Termination):
                self.before[number] = signal.signal(number, self._asked)
        return self

    def _asked(self, number: int, _: Any) -> None:
        if isinstance(self.before.get(number), Termination):
            self.before[number].heard = True
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for."""
        if self.asked:
            self.asked, self.calm = False, True
            raise KeyboardInterrupt

    def __exit__(self, *error: Any) -> None:
        while self.before:
            signal.signal(*self.before.popitem())


def _main() -> bool:
    return threading.current_thread() is threading.main_thread()
