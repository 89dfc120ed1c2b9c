"""What must hold of a program: NumPy's numbers by machine code, and nothing else touched."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.read.native.door import gate
from chainrule.transform import tree_leaves

from .graphs import Program
from .noise import Noise
from .rewriting import rewrite

cr.compile(lambda x: x)(1.0)  # loads what is taken apart below
gate()  # where it is loaded, the second call of a form goes through a door of its own
native, module, pipeline = (
    sys.modules[f"chainrule.read.native.{name}"] for name in ("native", "module", "pipeline")
)

CACHE = "CHAINRULE_CACHE", "CHAINRULE_CACHE_DIR"
GUARD = 128  # bytes on either side of an array that nobody may write to
LOOSE = {2: 4e-3, 4: 2e-5, 8: 1e-12}  # of floats of so many bytes: what needs no further question
RUNS = (3, 12, 40)  # with noise, until one of them explains the difference
FACTOR = 30.0  # how far apart two readers may be, in what noise makes of the same program


@dataclass(frozen=True)
class Difference:
    """What does not hold of a program, and how that shows."""

    kind: str
    text: str


# Memory with guards ---------------------------------------------------------------------------


class Guarded:
    """NumPy for the reader under test: what it makes empty is full of garbage, between guards."""

    def __init__(self, fill: int):
        self.fill = fill
        self.made: list[tuple[np.ndarray, np.ndarray, str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def empty(self, shape: Any, dtype: Any = float) -> np.ndarray:
        """An array of garbage between guards."""
        shape = shape if isinstance(shape, tuple) else (shape,)
        array = self.between(np.empty(shape, dtype), "an output or the arena")
        array.reshape(-1).view(np.uint8)[...] = self.fill
        return array

    def between(self, x: np.ndarray, words: str) -> np.ndarray:
        """A copy of an array between guards."""
        memory = np.full(x.nbytes + 2 * GUARD + 64, 0xA5, np.uint8)
        start = GUARD + -(memory.ctypes.data + GUARD) % 64
        array = memory[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
        array[...] = x
        outside = np.ones(memory.size, bool)
        outside[start : start + x.nbytes] = False
        self.made.append((memory, outside, words))
        return array

    def broken(self) -> str | None:
        """Where something was written outside of an array."""
        for memory, outside, words in self.made:
            if np.any(memory[outside] != 0xA5):
                return f"bytes beside {words} were written"
        return None


@contextmanager
def _setting(memory: Guarded, worth: float | None, disk: bool) -> Iterator[None]:
    """The reader's own arrays come from guarded memory; kernels from `worth` ns on are shared.

    Where that is told, functions are called too, and not written out.
    """
    before = native.np, module.WORTH, module.LONG, {name: os.environ.get(name) for name in CACHE}
    native.np = memory  # type: ignore[assignment]
    if worth is not None:
        module.WORTH, module.LONG = worth, 0
    # Millions of programs are not for keeping: those that are, in a folder for this process.
    os.environ.update(zip(CACHE, ("1", folder()) if disk else ("0", ""), strict=True))
    try:
        yield
    finally:
        native.np, module.WORTH, module.LONG, kept = before
        for name, value in kept.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})


@cache
def folder() -> str:
    """Where programs are kept that are to be found again, as long as this process lives."""
    made = mkdtemp(prefix="chainrule-fuzz-")
    atexit.register(rmtree, made, ignore_errors=True)
    return made


# The same numbers -----------------------------------------------------------------------------


def leaves(made: Any) -> list[np.ndarray]:
    """All results, as arrays."""
    return [np.asarray(y) for y in tree_leaves(made)]


def eagerly(program: Program, given: Sequence[Any]) -> list[np.ndarray]:
    """The results by NumPy."""
    with np.errstate(all="ignore"):
        return leaves(program.function()(*given))


def off(want: np.ndarray, got: np.ndarray) -> np.ndarray:
    """Where the results are not the same at first sight."""
    if want.dtype.kind != "f":
        return want != got
    with np.errstate(all="ignore"):
        bound = LOOSE[want.dtype.itemsize] * (np.abs(want) + _scale(want))
        return ~((want == got) | (np.isnan(want) & np.isnan(got)) | (np.abs(want - got) <= bound))


def _scale(x: np.ndarray) -> float:
    finite = np.abs(x[np.isfinite(x)])
    return min(float(finite.mean()), 1.0) * 0.1 if finite.size else 0.0


def unexplained(
    want: list[np.ndarray], got: list[np.ndarray], runs: Callable[[int], list[np.ndarray]]
) -> str | None:
    """A difference that the rounding errors of the program itself do not explain."""
    for k, (a, b) in enumerate(zip(want, got, strict=True)):
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"output {k}: {a.dtype} {a.shape} and {b.dtype} {b.shape}"
    wrong = [off(a, b) for a, b in zip(want, got, strict=True)]
    spread = [np.zeros(a.shape) for a in want]
    done = 0
    for count in (0, *RUNS):
        for seed in range(done, count):
            noisy = runs(seed)
            spread = [_wider(s, a, n) for s, a, n in zip(spread, want, noisy, strict=True)]
        done = count
        wrong = [w & _beyond(a, b, s) for w, a, b, s in zip(wrong, want, got, spread, strict=True)]
        if not any(w.any() for w in wrong):
            return None
    k = next(k for k, w in enumerate(wrong) if w.any())
    at = tuple(int(i) for i in np.argwhere(wrong[k])[0])
    return (f"output {k} of shape {want[k].shape}, {int(wrong[k].sum())} elements, at {at}: "
            f"{want[k][at]!r} by NumPy, {got[k][at]!r} by machine code")  # fmt: skip


def _wider(spread: np.ndarray, want: np.ndarray, noisy: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        moved = np.abs(np.asarray(noisy, float) - np.asarray(want, float))
    same = (noisy == want) | ((noisy != noisy) & (want != want))
    return np.maximum(spread, np.where(same, 0.0, np.where(np.isfinite(moved), moved, np.inf)))


def _beyond(want: np.ndarray, got: np.ndarray, spread: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        gap = np.abs(np.asarray(want, float) - np.asarray(got, float))
    return ~(gap <= FACTOR * spread) & ~np.isinf(spread)


def same_bits(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Whether all results are equal to the last bit."""
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# A program under test -------------------------------------------------------------------------


class Run:
    """A program's results by machine code, in guarded memory."""

    def __init__(
        self, program: Program, threads: int, worth: float | None, fill: int = 0xFF,
        disk: bool = False, **options: Any,
    ):  # fmt: skip
        self.memory, self.worth, self.disk = Guarded(fill), worth, disk
        self.compiled = cr.compile(program.function(), threads=threads, **options)
        self.mine = not options.get("donate")  # inputs that are given away may be written

    def __call__(self, given: Sequence[Any], scattered: bool = False) -> list[np.ndarray]:
        """The results for these inputs."""
        plain = [self.memory.between(x, "an input") if is_array(x) else x for x in given]
        held = [_scattered(x) if scattered and is_array(x) else x for x in plain]
        with _setting(self.memory, self.worth, self.disk), np.errstate(all="ignore"):
            made = [y.copy() for y in leaves(self.compiled(*held))]
        broken = self.memory.broken()
        if broken is None and self.mine and not same_bits(leaves(given), leaves(plain)):
            broken = "an input was written"
        if broken:
            raise MemoryError(broken)
        return made

    def noisy(self, given: Sequence[Any], seed: int) -> list[np.ndarray]:
        """The results by NumPy, with rounding errors made larger."""
        version = next(reversed(self.compiled.versions.values()))
        return Noise(seed).run(version.graph, version.values(list(given)))


def is_array(x: Any) -> bool:
    """Whether it is an array, and no plain number."""
    return isinstance(x, np.ndarray)


def _scattered(x: np.ndarray) -> np.ndarray:
    """The same array, with gaps between its elements and its axes in another order."""
    wide = np.full(tuple(2 * n for n in x.shape[::-1]), 7, x.dtype)
    view = wide[(slice(None, None, 2),) * x.ndim].T[(slice(None, None, -1),) * x.ndim + (...,)]
    view[...] = x
    return view


def check(program: Program, seed: int = 0, also: bool = True) -> Difference | None:
    """What does not hold of a program; None if all does."""
    try:
        want = eagerly(program, program.given)
    except Exception:
        return None if not program.order else check(replace(program, order=0), seed, also)
    try:
        return next(chain(_differences(program, want, seed, also), [None]))
    except MemoryError as e:
        return Difference("memory", str(e))
    except Exception as e:
        first = next((line.strip() for line in str(e).splitlines() if line.strip()), "")
        return Difference(f"raises {type(e).__name__}", first[:300])


def _differences(
    program: Program, want: list[np.ndarray], seed: int, also: bool
) -> Iterator[Difference]:
    dice = np.random.default_rng((seed, 1))
    worth = 0.0 if dice.random() < 0.4 else None
    given = program.given
    run = Run(program, 1, worth)
    got = run(given)
    noisy = lambda k: run.noisy(given, k)  # noqa: E731
    found = unexplained(want, got, noisy)
    if found:
        yield Difference("values", found)
    if not also:
        return
    if not same_bits(got, run(given, scattered=dice.random() < 0.3)):
        yield Difference("twice", "a second call gave other bits")
    if dice.random() < (0.1 if worth is None else 1.0):
        other = Run(program, 2, worth, 0x00)(given)
        if not same_bits(got, other):
            text = unexplained(got, other, noisy) or "to the last bits only"
            yield Difference("threads", f"two threads in other memory gave other bits: {text}")
    if worth is None and dice.random() < 0.15:
        for when in ("as it is kept", "as it is found again"):
            if not same_bits(got, Run(program, 1, None, disk=True)(given)):
                yield Difference("disk", f"a program has other bits {when} on disk")
    for name, kind in VARIANTS.items():
        if dice.random() < 0.12:
            other, options, words = kind(program, dice)
            made = Run(other, 1, worth, **options)(given)
            text = unexplained(want, made, noisy)
            if text:
                yield Difference(name, f"{text}; {words}")


# The same program, made otherwise -------------------------------------------------------------


def _rewritten(program: Program, dice: np.random.Generator) -> tuple[Program, dict, str]:
    found = rewrite(program, dice)
    return (program, {}, "") if found is None else (found, {}, f"after the rewriting to\n{found}")


def _without(program: Program, dice: np.random.Generator) -> tuple[Program, dict, str]:
    name = str(dice.choice(pipeline.SWITCHES))
    return program, {"without": (name,)}, f"without the pass {name}"


def _donated(program: Program, dice: np.random.Generator) -> tuple[Program, dict, str]:
    arrays = [k for k, x in enumerate(program.given) if isinstance(x, np.ndarray)]
    places = tuple(int(k) for k in dice.permutation(arrays)[: int(dice.integers(1, 4))])
    return program, {"donate": places}, f"with the arguments {places} given away"


VARIANTS = {"rewrite": _rewritten, "without": _without, "donate": _donated}
