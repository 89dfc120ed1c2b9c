"""The callbacks of a training, each told what it has a method for."""

from __future__ import annotations

from typing import Any

from ...graph.errors import UsageError

HOOKS = ("on_start", "on_step", "on_epoch", "on_end")


class Enough(Exception):
    """A callback raised StopIteration; the same from anywhere else is a mistake, and passes."""


class Callbacks:
    """The callbacks, each told what it has a method for.

    Those with `state` and `restore` are asked for what they remember, so that a training that is
    taken up again goes on with it; one with `stopped` that is true ends the training.
    """

    def __init__(self, callbacks: tuple):
        self.callbacks = callbacks
        for callback in callbacks:
            if isinstance(callback, type) or not any(hasattr(callback, h) for h in HOOKS):
                raise UsageError(
                    f"fit: callback {callback!r} has neither on_epoch(row) nor on_step(row)"
                    + (f"; write {callback.__name__}(...)" if isinstance(callback, type) else "")
                )
        self.hooks = {h: [getattr(c, h) for c in callbacks if hasattr(c, h)] for h in HOOKS}

    @property
    def each_step(self) -> bool:
        """Whether any of them wants to hear of every step as it is taken."""
        return bool(self.hooks["on_step"])

    @property
    def enough(self) -> bool:
        """Whether one of them has ended this training already."""
        return any(getattr(c, "stopped", False) is True for c in self.callbacks)

    def start(self, run: Any, x: Any, t: Any, epochs: int) -> None:
        """Tell that it begins, and of what; `run.snapshot()` is the model at any time."""
        for hook in self.hooks["on_start"]:
            hook(run, x, t, epochs)

    def epoch(self, row: dict) -> None:
        """Tell of an epoch."""
        self._tell("on_epoch", row)

    def step(self, row: dict) -> None:
        """Tell of a step."""
        self._tell("on_step", row)

    def end(self, history: Any) -> None:
        """Tell that it has ended, whatever ended it."""
        for hook in self.hooks["on_end"]:
            hook(history)

    def state(self) -> dict[str, Any]:
        """What the callbacks remember, under their places and kinds."""
        return {key: one.state() for key, one in self._keeping().items()}

    def restore(self, told: dict[str, Any]) -> None:
        """Give each its own back; one that was not there then starts anew."""
        for key, one in self._keeping().items():
            if key in told:
                one.restore(told[key])

    def _keeping(self) -> dict[str, Any]:
        kinds: dict[str, int] = {}
        found = {}
        for one in self.callbacks:
            kind = type(one).__name__
            kinds[kind] = kinds.get(kind, 0) + 1
            if hasattr(one, "state") and hasattr(one, "restore"):
                found[f"{kind}-{kinds[kind]}"] = one
        return found

    def _tell(self, hook: str, row: dict) -> None:
        """Tell all of them, and end after that if one of them wants to."""
        ended = False
        for one in self.hooks[hook]:
            try:
                one(row)
            except StopIteration:
                ended = True
        if ended:
            raise Enough
