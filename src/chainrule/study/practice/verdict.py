"""Judge an answer by what it comes to, and name the slip behind a wrong one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any

import numpy as np

from ...graph.errors import ExpressionError
from ..numbers import number, short
from .answer import cleaned, digits_of, is_a_number, transposes, value_of
from .slips import Slip
from .subject import Point

CLOSE = 1e-6  # relative: formulas are compared in double precision
# Constant factors that are forgotten or doubled, and where they come from.
FACTORS = (
    (2.0, "the 2 of a square's derivative"), (0.5, "a factor ½"),
    (4.0, "a factor 4"), (0.25, "a factor ¼"),
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to say; of a known slip also its name."""

    right: bool
    words: str
    slip: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True, eq=False)
class Question:
    """What is exact at every point, what an answer may name there, and the slips there can be."""

    what: str  # how the thing asked for is called
    points: Sequence[Point]
    exact: Callable[[Point], Any]
    names: Callable[[Point], dict[str, Any]]
    slips: Callable[[], Iterable[Slip]] = tuple
    count: int = 1  # N, where there is a mean
    forbidden: frozenset[str] = frozenset()
    repeats: bool = False  # one number may stand for an array of equal ones


def judge_formula(q: Question, answer: str) -> Verdict:
    """The verdict on a formula or a line of code: the same values at random points, or not."""
    text = cleaned(answer)
    if not text:
        return Verdict(False, "there is no formula in this answer", "unreadable")
    exact = [np.asarray(q.exact(p)) for p in q.points]
    environments = [q.names(p) for p in q.points]
    allowed = [{n: v for n, v in e.items() if n not in q.forbidden} for e in environments]
    try:
        found = [value_of(text, e) for e in allowed]
    except ExpressionError as error:
        return _unreadable(q, text, allowed, exact, error)
    if q.repeats:
        found = [np.broadcast_to(f, e.shape) if f.size == 1 else f
                 for f, e in zip(found, exact, strict=True)]  # fmt: skip
    if _same(found, exact):
        return Verdict(True, "right")
    if [f.shape for f in found] != [e.shape for e in exact]:
        return _shapes(q, text, allowed, found, exact)
    for look in (lambda: _numbers(q, found, exact), lambda: _turned(q, text, allowed, exact)):
        if (slip := look()) is not None:
            return slip
    return _elsewhere(q, found, exact)


def judge_number(q: Question, answer: str, digits: int) -> Verdict:
    """The verdict on a number, right within one unit of the last of `digits` digits."""
    text = cleaned(answer)
    if not text:
        return Verdict(False, "there is no number in this answer", "unreadable")
    (point,) = q.points
    exact = float(np.reshape(q.exact(point), ()))
    try:
        made = value_of(text, q.names(point))
    except ExpressionError as error:
        return Verdict(False, str(error), "unreadable")
    if made.size != 1:
        return Verdict(False, f"one number is asked for, this is {made.shape}", "wrong shape")
    given = float(made.reshape(()))
    if abs(given - exact) <= unit(exact, digits):
        return Verdict(True, "right")
    typed = digits_of(text) if is_a_number(text) else digits
    if 0 < typed < digits and given and abs(given - exact) <= unit(exact, typed):
        words = f"right as far as it goes; {digits} significant digits are asked for"
        return Verdict(False, words, "digits")
    near = lambda a, b: bool(abs(a - b) <= unit(b, max(digits - 1, 1)))  # noqa: E731
    return _slip_of_number(q, given, exact, near)


def unit(x: float, digits: int) -> float:
    """One unit in the last of so many significant digits, and a little for how it is typed.

    >>> round(unit(0.0529, 3), 6)
    0.0001
    """
    if x == 0.0 or not isfinite(x):
        return 10.0**-digits
    return 1.0001 * 10.0 ** (floor(log10(abs(x))) + 1 - digits)


def _slip_of_number(q: Question, given: float, exact: float, near: Any) -> Verdict:
    if exact and near(-given, exact):
        return Verdict(False, "the sign is wrong", "wrong sign")
    (point,) = q.points
    for slip in q.slips():
        made = np.asarray(slip.at(point))
        if made.size == 1 and np.isfinite(made).all() and near(given, float(made.reshape(()))):
            return Verdict(False, slip.words, slip.name)
    for factor, source in _factors(q.count):
        if exact and near(given * factor, exact):
            return Verdict(False, _missing(factor, source), "missing factor")
    return Verdict(False, f"{number(given)} is not {q.what}")


def _factors(n: int) -> list[tuple[float, str]]:
    mean = [] if n < 2 else [(1.0 / n, f"the 1/N of the mean, N = {n}"), (float(n), f"N = {n}"),
                             (2.0 / n, f"2/N, N = {n}")]  # fmt: skip
    return [*mean, *FACTORS]


def _missing(factor: float, source: str) -> str:
    told = number(factor, 4)
    if factor < 1 and (1 / factor) == round(1 / factor):
        told = f"1/{round(1 / factor)}"
    return f"a constant factor is missing: multiply by {told} ({source})"


def _same(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> bool:
    return all(
        x.shape == y.shape and np.allclose(x, y, rtol=CLOSE, atol=CLOSE * _size(y))
        for x, y in zip(a, b, strict=True)
    )


def _size(x: np.ndarray) -> float:
    return min(1.0, float(np.max(np.abs(x), initial=0.0))) or 1e-9


def _numbers(q: Question, found: list, exact: list) -> Verdict | None:
    """The slips that leave the shape as it is."""
    if _same([-f for f in found], exact):
        return Verdict(False, "the sign is wrong", "wrong sign")
    for slip in q.slips():
        for sign, told in ((1.0, ""), (-1.0, "; the sign is wrong too")):
            made = [sign * np.asarray(slip.at(p)) for p in q.points]
            if [m.shape for m in made] == [f.shape for f in found] and _same(found, made):
                return Verdict(False, slip.words + told, slip.name)
    ratio = _ratio(found, exact)
    if ratio is None:
        return None
    sign = "; the sign is wrong too" if ratio < 0 else ""
    for factor, source in _factors(q.count):
        if abs(abs(ratio) - factor) < CLOSE * factor:
            return Verdict(False, _missing(factor, source) + sign, "missing factor")
    told = f"a constant factor is missing: multiply by {number(abs(ratio), 4)}"
    return Verdict(False, told + sign, "missing factor")


def _ratio(found: list, exact: list) -> float | None:
    """The one number that all of the answer has to be multiplied by, if there is one."""
    a, b = (np.concatenate([x.reshape(-1) for x in xs]) for xs in (found, exact))
    if not a.size or not np.all(np.isfinite(a)) or not a @ a:
        return None
    ratio = float(a @ b / (a @ a))
    size = float(np.max(np.abs(b), initial=0.0))
    if not ratio or len(a) < 2 or not np.allclose(ratio * a, b, rtol=CLOSE, atol=CLOSE * size):
        return None
    return ratio


def _shapes(q: Question, text: str, allowed: list, found: list, exact: list) -> Verdict:
    """The slips that give another shape."""
    mine, wanted = found[0].shape, exact[0].shape
    turned = [f.T for f in found]
    for told in ("", " (and the sign is wrong)"):
        if _same(turned, exact):
            words = f"this is the transpose of it: {mine} where {q.what} is {wanted}{told}"
            return Verdict(False, words, "missing transpose")
        turned = [-f for f in turned]
    if len(mine) > len(wanted) or np.prod(mine) > np.prod(wanted):
        summed = [s for s in (_summed(f, wanted) for f in found) if s is not None]
        if len(summed) == len(found):
            after = _numbers(q, summed, exact) if not _same(summed, exact) else None
            if _same(summed, exact) or after is not None:
                axes = mine[: len(mine) - len(wanted)] or mine
                words = (
                    f"a sum is missing: this is {mine}, {q.what} is {wanted}; what was repeated "
                    f"over an axis of {axes[0]} collects the gradients of all its copies"
                )
                return Verdict(False, words + (f"; {after.words}" if after else ""), "missing sum")
    turned_over = _turned(q, text, allowed, exact) if len(mine) == len(wanted) == 2 else None
    if turned_over is not None:
        return turned_over
    if wanted and not mine and _same(found, [np.sum(e) for e in exact]):
        words = f"the sum goes over everything: {q.what} is {wanted}; say along which axis"
        return Verdict(False, words, "wrong shape")
    words = f"the shape is wrong: this is {mine}, {q.what} is {wanted}, the shape of its variable"
    return Verdict(False, words, "wrong shape")


def _summed(x: np.ndarray, to: tuple[int, ...]) -> np.ndarray | None:
    extra = x.ndim - len(to)
    if extra < 0:
        return None
    x = x.sum(tuple(range(extra)))
    axes = tuple(k for k, n in enumerate(to) if n == 1 and x.shape[k] != 1)
    x = x.sum(axes, keepdims=True) if axes else x
    return x if x.shape == tuple(to) else None


def _turned(q: Question, text: str, allowed: list, exact: list) -> Verdict | None:
    """Whether one operand turned over would make it right, up to a sign or a factor."""
    for spelt, part in transposes(text, allowed[0]):
        try:
            made = [value_of(spelt, e) for e in allowed]
        except ExpressionError:
            continue
        if [m.shape for m in made] != [e.shape for e in exact]:
            continue
        if _same(made, exact) or _ratio(made, exact) is not None:
            bare = part.removesuffix(".T")
            words = (
                f"the transpose is too much: {bare}, not {part}" if bare != part
                else f"a transpose is missing: {part}.T"
            )  # fmt: skip
            if not _same(made, exact):
                words += "; a factor or the sign is wrong too"
            return Verdict(False, words, "missing transpose")
    return None


def _unreadable(
    q: Question, text: str, allowed: list, exact: list, error: ExpressionError
) -> Verdict:
    hidden = next((n for n in sorted(q.forbidden) if f"{n} has no value" in str(error)), None)
    if hidden:
        return Verdict(False, f"{hidden} is what is asked for: say it by the others", "unreadable")
    if re.match(r"\w+_g has no value", str(error)):
        words = "say it by the values of the forward pass: gradients on the way have no name here"
        return Verdict(False, words, "unreadable")
    if "shape" in str(error) or "do not" in str(error):
        found = _turned(q, text, allowed, exact)
        if found is not None:
            return found
        return Verdict(False, f"{error}\n{q.what} is {exact[0].shape}", "wrong shape")
    return Verdict(False, str(error), "unreadable")


def _elsewhere(q: Question, found: list, exact: list) -> Verdict:
    p = q.points[0]
    at = ", ".join(
        f"{n} = {short(np.asarray(v._value), 3)}" for n, v in q.names(p).items()
        if n != "N" and np.size(v._value) == 1
    )  # fmt: skip
    where = f"at {at} " if at and len(at) < 100 else "at a random point "
    return Verdict(
        False, f"not equal: {where}this is {short(found[0], 4)}, {q.what} is {short(exact[0], 4)}"
    )
