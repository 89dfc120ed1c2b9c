"""`Checkpoints`: the last states of a training in a folder; the newest whole one counts."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ...graph import caller
from ...graph.errors import CheckpointError, UsageError
from ..state import State
from ..terms import OPTIMIZER
from . import container, disk, manifest
from .manifest import Listed
from .models import CheckpointWarning
from .states import anew, from_file, to_file

SHARE = 0.1  # of the time that saving may take where nothing else is asked for


class Skipped(NamedTuple):
    """A checkpoint that was passed over, and why."""

    name: str
    why: str


class Checkpoints:
    """The states of a training in a folder, so that it can be killed at any moment and go on.

    `every` is "epoch", or a number of steps; without it a state is saved after epochs, in at most
    a tenth of the time, and at the end. The last `keep` are kept (all with None). Given to
    `Trainer.fit(checkpoint=...)`, the training is taken up where the newest whole one left it,
    unless `resume` is False, and ends as if it had never been interrupted, to the bit.
    Every training needs a folder of its own: one of other data or options is refused.
    Raises: UsageError for an option outside its range.

    >>> import tempfile, numpy as np, chainrule as cr
    >>> from chainrule.train import Trainer
    >>> folder, X = tempfile.mkdtemp(), np.linspace(-1, 1, 64)[:, None]
    >>> def train(epochs):
    ...     model = cr.nn.Sequential(cr.nn.Linear(1, 8), cr.nn.Tanh(), cr.nn.Linear(8, 1), seed=0)
    ...     return Trainer(model).fit(X, X**2, epochs=epochs, checkpoint=Checkpoints(folder)).loss
    >>> some, all_of_them = train(2), train(5)  # the second goes on after the first
    >>> len(all_of_them), all_of_them[:2] == some
    (5, True)
    """

    def __init__(self, folder: Any, every: Any = None, keep: int | None = 3, resume: bool = True):
        try:
            self.folder = Path(folder)
        except TypeError:
            raise UsageError(f"Checkpoints: {folder!r} is no name of a folder") from None
        whole = isinstance(every, (int, np.integer)) and not isinstance(every, bool) and every > 0
        if every not in (None, "epoch") and not whole:
            raise UsageError(f'Checkpoints: every={every!r}; give "epoch", or a number of steps')
        if keep is not None and (not isinstance(keep, int) or keep is True or keep < 1):
            raise UsageError(f"Checkpoints: keep={keep!r}; give a whole number, 1 or more, or None")
        given: Any = every
        self.every: Any = int(given) if whole else given
        self.keep, self.resume = keep, bool(resume)
        self.skipped: list[Skipped] = []  # by the last `latest`
        self.told: dict[str, Any] = {}  # beside the state that `latest` gave
        self._last = (0, 0)  # epochs and steps when the last was saved or loaded
        self._ended = self._cost = 0.0  # when the last save ended, and how long it took

    def due(self, run: Any) -> bool:
        """Whether a state is to be saved now; `run` has `epoch`, `steps` and `at`.

        When one is saved changes nothing in the training, so by default a clock decides it.
        """
        if run.epoch < self._last[0] or run.steps < self._last[1]:
            self._last = (0, 0)  # another training, from its beginning
        epochs, steps = self._last
        if isinstance(self.every, int):
            return run.steps // self.every > steps // self.every
        waited = self.every == "epoch" or SHARE * (perf_counter() - self._ended) >= self._cost
        return run.epoch > epochs and not run.at and waited

    def begin(self, run: Any) -> bool:
        """Take a run up where the newest whole state left it; whether there was one.

        What would keep its state from being saved is said now, not after the first epoch.
        Raises: CheckpointError, also where the state is that of another training.
        """
        to_file(run.capture(), {})
        self._ready()
        found = self.latest(run.snapshot()) if self.resume else None
        if found is None:
            return False
        other = run.another(found)
        if other:
            raise CheckpointError(
                f"{self.folder} holds another training: {other}; {anew(self.folder)}"
            )
        was, now = found.terms.get(OPTIMIZER), run.terms.get(OPTIMIZER)
        if was and now and was != now:
            caller.warn(
                f"{self.folder}: the training goes on with {now}; so far it was {was}",
                CheckpointWarning,
            )
        run.restore(found)
        return True

    def _ready(self) -> None:
        """Make the folder, and refuse one that cannot be written in."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                disk.sync_folder(self.folder.parent)
        except OSError as error:
            raise CheckpointError(
                f"no checkpoint can be written in {self.folder}: {disk.trouble(error)}"
            ) from None
        with disk.alone(self.folder):
            disk.tidy(self.folder)

    def save(self, state: State, told: dict[str, Any] | None = None) -> Path:
        """Write a state, with plain data beside it; then remove what is older than the last few.

        When it returns, the state is on the disk. Whatever interrupts it, those before are whole.
        Raises: CheckpointError where the disk says no, or the state holds what no file can.
        """
        started = perf_counter()
        metadata, arrays = to_file(state, told or {})
        self._ready()
        with disk.alone(self.folder):
            try:
                path = self._written(state, metadata, arrays)
            except OSError as error:
                if isinstance(error, CheckpointError):
                    raise
                raise _cannot_be_read(self.folder, error) from None
        self._last = state.epoch, state.step
        self._ended = perf_counter()
        self._cost = self._ended - started
        return path

    def _written(self, state: State, metadata: dict, arrays: dict) -> Path:
        before, _ = manifest.found(self.folder)
        number = max((one.number for one in before), default=0) + 1
        path = self.folder / manifest.name_of(number)
        size, digest = container.write(path, arrays, metadata, digest=True)
        made = Listed(path.name, number, size, digest, state.step, state.epoch)
        there = [one for one in before if _is_there(self.folder, one)]
        kept = there if self.keep is None else there[max(0, len(there) - self.keep + 1) :]
        manifest.write(self.folder, [*(one for one in kept if one.sha256), made])
        oldest = min(one.number for one in (*kept, made))
        for one in before:
            if one.number < oldest:
                disk.remove(self.folder / one.name)
        return path

    def latest(self, into: Any = None) -> State | None:
        """The newest state that is whole, or None where there is none.

        With `into` the state's model is a copy of that model, with the numbers that were saved:
        so also layers of your own are taken up. Files that are damaged are passed over, with a
        warning; `skipped` says which and why.
        Raises: CheckpointError where the folder cannot be read, or the newest whole one is of
        another model.
        """
        self.skipped, self.told = [], {}
        try:
            found, wrong = manifest.found(self.folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _cannot_be_read(self.folder, error) from None
        if wrong and found:
            self.skipped.append(Skipped(manifest.NAME, wrong))
        for one in reversed(found):
            try:
                content = _content(self.folder / one.name, one)
            except CheckpointError as error:
                self.skipped.append(Skipped(one.name, _why(error)))
                continue
            self._report(one.name)
            state, self.told = from_file(self.folder / one.name, content, into)
            self._last = state.epoch, state.step
            return state
        self._report("")
        return None

    def _report(self, taken: str) -> None:
        # A manifest is not there when the very first save was cut off: nothing was lost.
        if any(one.why != manifest.MISSING for one in self.skipped):
            told = "; ".join(f"{one.name}: {one.why}" for one in self.skipped)
            then = f"{taken} is taken" if taken else "no other one is left"
            caller.warn(f"{self.folder}: passed over {told}; {then}", CheckpointWarning)


def _content(path: Path, one: Listed) -> container.Content:
    """What is in a file, if it is the one that was written."""
    size = _size(path)
    if one.size is not None and size not in (-1, one.size):
        raise CheckpointError(f"it has {size:,} bytes, and {one.size:,} were written")
    return container.read(path, digest=one.sha256)


def _size(path: Path) -> int:
    """The size of a file; -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _is_there(folder: Path, one: Listed) -> bool:
    """Whether a checkpoint is there, in the size that is known of it."""
    size = _size(folder / one.name)
    return size > 0 and one.size in (None, size)


def _why(error: CheckpointError) -> str:
    """What is wrong with a file, without its name and the user's line."""
    return str(error).partition("\n  made at")[0].rpartition(" cannot be read: ")[2]


def _cannot_be_read(folder: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"{folder} cannot be read: {disk.trouble(error)}")
