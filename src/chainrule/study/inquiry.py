"""One gradient check on its way: along random directions, in both modes, order by order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..eager.tensor import FIXED, Tensor, leaf
from ..graph.caller import caller, made_at
from ..graph.errors import DTypeError, GradientError, NotFiniteError, UsageError
from ..graph.op import Op
from ..ops import sum as sum_
from ..ops.family import Elementwise, broadcast_to, chain
from ..transform import grad, jvp
from ..transform.watch import linked
from .blame import guilty, rule_of
from .differences import Slope, slope
from .report import Check, GradientReport

LAW = 1e-8  # how far ⟨u, Jv⟩ and ⟨Jᵀu, v⟩ may be apart: rounding only
DECISIVE = 1e-3  # an error bar wider than this share of the slope decides nothing

Values = list[Any]
Function = Callable[[Values], Values]


@dataclass
class Inquiry:
    """One check on its way: what is asked, and what has been found so far."""

    what: str
    names: list[str]
    rtol: float
    rng: np.random.Generator
    element: bool = False
    op: Op | None = None
    checks: list[Check] = field(default_factory=list)

    def run(
        self, f: Function, xs: Values, order: int, modes: tuple[str, ...], fixed: tuple
    ) -> GradientReport:
        """All orders of all modes; the report, or the first thing that is wrong."""
        with np.errstate(all="ignore"):
            self._finite_arguments(xs)
            self._level(f, xs, order, modes, ())
        return GradientReport(self.what, tuple(self.checks), fixed)

    def _level(self, f: Function, xs: Values, left: int, modes: tuple, path: tuple) -> None:
        if left < 1:
            return
        f, here = self._floats_of(f, xs)
        u = [self._direction(y) for y in here]
        v = [self._direction(x) for x in xs]
        slopes = [self._slope(f, xs, here, v, k) for k in range(len(xs))]
        back = _reverse(f, u)(xs) if "reverse" in modes else None
        for k, s in enumerate(slopes):
            only = [w if j == k else np.zeros_like(w) for j, w in enumerate(v)]
            moved = _laid(_forward(f, only)(xs)) if "forward" in modes else None
            if moved is not None:
                self._compare(f, xs, k, path, "forward", moved, s, here, u)
            if back is not None:
                self._compare_sum(f, xs, k, path, back, v, s, here, u)
            if back is not None and moved is not None:
                self._law(
                    f,
                    xs,
                    k,
                    path,
                    float(np.vdot(_laid(u), moved)),
                    float(np.vdot(back[k], v[k])),
                    s,
                )
        for mode in modes:
            g = _forward(f, v) if mode == "forward" else _reverse(f, u)
            self._level(g, xs, left - 1, modes, (mode, *path))

    def locals(
        self, op: Elementwise, f: Function, xs: Values, operands: tuple, floats: list[int]
    ) -> None:
        """Compare what `local` says with the slope along a direction, for each operand."""
        with np.errstate(all="ignore"):
            given = [np.asarray(numbers(x)) for x in operands]
            for k, x in zip(floats, xs, strict=True):
                given[k] = x
            self._finite_arguments(xs)
            f, (y,) = self._floats_of(f, xs)
            said = op.local(y, *given)
            v = [self._direction(x) for x in xs]
            for place, k in enumerate(floats):
                local = said[k]() if callable(said[k]) else said[k]
                local = 0 if local is None else local
                claimed = np.asarray(chain(broadcast_to(v[place], y.shape), local)).reshape(-1)
                s = self._slope(f, xs, [y], v, place)
                self._compare(f, xs, place, (), "local", claimed, s, [y], None)

    def _floats_of(self, f: Function, xs: Values) -> tuple[Function, list[np.ndarray]]:
        """`f` with its float outputs only, and their values, which must be finite."""
        found = [np.asarray(numbers(y)) for y in f(_constants(xs))]
        keep = [k for k, y in enumerate(found) if y.dtype.kind == "f"]
        if not keep:
            kinds = ", ".join(str(y.dtype) for y in found) or "nothing"
            raise DTypeError(f"{self.what}: it returns {kinds}; only floats have gradients")
        for k in keep:
            if found[k].dtype != np.float64:
                raise DTypeError(
                    f"{self.what}: an output is {found[k].dtype} though the arguments are float64; "
                    "differences need all digits: take the cast out to check it"
                )
            if not np.isfinite(found[k]).all():
                raise NotFiniteError(
                    f"{self.what}: its value is {_first_bad(found[k])}; a gradient can only be "
                    f"compared where the value is finite: choose other arguments"
                )
        return (lambda zs: [f(zs)[k] for k in keep]), [found[k] for k in keep]

    def _finite_arguments(self, xs: Values) -> None:
        for name, x in zip(self.names, xs, strict=True):
            if not np.isfinite(x).all():
                raise NotFiniteError(f"{self.what}: {name} is {_first_bad(x)}; give finite numbers")

    def _direction(self, x: np.ndarray) -> np.ndarray:
        # Between ½ and 1 in size: no element is looked at with a weight near 0.
        size = 0.5 + 0.5 * self.rng.random(x.shape)
        return np.asarray(np.where(self.rng.random(x.shape) < 0.5, -size, size))

    def _slope(self, f: Function, xs: Values, here: list, v: Values, k: int) -> Slope:
        def along(t: float) -> np.ndarray:
            moved = [x + t * v[k] if j == k else x for j, x in enumerate(xs)]
            return _laid(f(_constants(moved)))

        again = along(0.0)
        if not np.array_equal(again, _laid(here)):
            raise UsageError(
                f"{self.what}: two calls with the same arguments gave different values; "
                "a random function needs a fixed seed to be checked"
            )
        found = slope(along, again)
        if found is None:
            raise NotFiniteError(
                f"{self.what}: {self.names[k]} lies on the edge of where the value is finite; "
                "there is no difference to either side: move it inside"
            )
        return found

    def _compare(
        self, f: Function, xs: Values, k: int, path: tuple, mode: str, claimed: np.ndarray,
        s: Slope, here: list, u: Values | None,
    ) -> None:  # fmt: skip
        """The vector J v, element by element: the one that is furthest off is kept."""
        if not claimed.size:
            return
        allowed = self._allowed(np.maximum(np.abs(claimed), np.abs(s.value)), s, here)
        over = np.abs(claimed - s.value) - allowed
        over = np.where(np.isnan(over), np.inf, over)
        worst = int(np.argmax(np.where(s.kink, -np.inf, over)))
        if s.kink.any() and not over[worst] > 0.0:
            worst = int(np.argmax(s.kink))
        self._verdict(
            f, xs, k, (mode, *path), float(claimed[worst]), float(s.value[worst]),
            float(s.uncertainty[worst]), bool(over[worst] > 0.0), bool(s.kink[worst]),
            self._undecided(s, here), u,
        )  # fmt: skip

    def _compare_sum(
        self, f: Function, xs: Values, k: int, path: tuple, back: Values, v: Values,
        s: Slope, here: list, u: Values,
    ) -> None:  # fmt: skip
        """The number ⟨Jᵀu, v⟩, against the slopes weighted with u."""
        weights = _laid(u)
        claimed = float(np.vdot(np.asarray(back[k]), v[k]))
        measured = float(np.vdot(weights, s.value))
        bar = float(np.abs(weights) @ s.uncertainty)
        size = float(np.abs(weights) @ np.abs(s.value))
        allowed = float(np.max(self._allowed(np.full(1, size), s, here))) + 8.0 * bar
        wrong = not abs(claimed - measured) <= max(allowed, self.rtol * abs(claimed))
        self._verdict(
            f, xs, k, ("reverse", *path), claimed, measured, bar, wrong, bool(s.kink.any()),
            self._undecided(s, here), u,
        )  # fmt: skip

    def _law(
        self, f: Function, xs: Values, k: int, path: tuple, left: float, right: float, s: Slope
    ) -> None:
        size = max(float(np.sum(np.abs(s.value), initial=0.0)), abs(left), abs(right))
        wrong = not abs(left - right) <= LAW * size + 1e-12
        mode = ("forward = reverse", *path)
        self._verdict(f, xs, k, mode, right, left, 0.0, wrong, bool(s.kink.any()), False, None)

    def _allowed(self, size: np.ndarray, s: Slope, here: list) -> np.ndarray:
        rounding = 1e-11 * np.max(np.abs(_laid(here)), initial=0.0)
        floor = 1e-9 * np.max(np.abs(s.value), initial=0.0)
        return self.rtol * size + 8.0 * np.max(s.uncertainty, initial=0.0) + floor + rounding

    def _undecided(self, s: Slope, here: list) -> bool:
        smooth = ~s.kink
        bar = 8.0 * np.max(s.uncertainty, initial=0.0, where=smooth)
        slopes = np.max(np.abs(s.value), initial=0.0, where=smooth)
        return bar > DECISIVE * slopes and bar > 1e-8 * np.max(np.abs(_laid(here)), initial=0.0)

    def _verdict(
        self, f: Function, xs: Values, k: int, path: tuple, claimed: float, measured: float,
        bar: float, wrong: bool, kink: bool, undecided: bool, u: Values | None,
    ) -> None:  # fmt: skip
        verdict = "kink" if kink else "unsure" if undecided else "wrong" if wrong else "agrees"
        name = f"{self.names[k]} {xs[k].shape}"
        mode = " over ".join(path)
        self.checks.append(Check(len(path), mode, name, claimed, measured, bar, verdict))
        if verdict in ("agrees", "kink"):
            return
        report = GradientReport(self.what, tuple(self.checks))
        if verdict == "unsure":
            text = (
                f"{self.what}: the gradient by {name} cannot be decided\n  order {len(path)}, "
                f"{mode}: it says {claimed:.9g}; differences of the values say {measured:.9g} "
                f"± {bar:.1g}, too rough to tell\n"
                "  move the argument, or rescale it to sizes around 1"
            )
        else:
            other = "the forward mode" if "=" in mode else "differences of the values"
            text = (
                f"{self.what}: the gradient by {name} is wrong\n  order {len(path)}, {mode}, along "
                f"one random direction: it says {claimed:.9g}, {other} say {measured:.9g}"
                f"{f' ± {bar:.1g}' if bar else ''}{self._worst_element(f, xs, k, u)}"
                f"\n  look at {self._where_to_look(f, xs, path[0])}"
            )
        error = GradientError(text + made_at(caller()))
        error.report = report  # type: ignore[attr-defined]
        raise error

    def _where_to_look(self, f: Function, xs: Values, mode: str) -> str:
        return guilty(f, xs, mode) if self.op is None else rule_of(self.op, mode)

    def _worst_element(self, f: Function, xs: Values, k: int, u: Values | None) -> str:
        if not self.element or u is None:
            return ""
        said = np.asarray(_reverse(f, u)(xs)[k]).reshape(-1)
        found = np.zeros_like(said)
        weights = _laid(u)
        here = [np.asarray(numbers(y)) for y in f(_constants(xs))]
        for e in range(said.size):
            one = np.zeros(said.size)
            one[e] = 1.0
            direction = [one.reshape(xs[k].shape)] * len(xs)
            found[e] = weights @ self._slope(f, xs, here, direction, k).value
        e = int(np.argmax(np.abs(said - found)))
        place = [int(i) for i in np.unravel_index(e, xs[k].shape)]
        return f"\n  worst at element {place}: it says {said[e]:.9g}, differences {found[e]:.9g}"


def _reverse(f: Function, u: Values) -> Function:
    """xs → Jᵀu, as a gradient, so that it can be differentiated again."""

    def total(xs: Values) -> Any:
        terms = [sum_(w * y) for w, y in zip(u, f(xs), strict=True)]
        whole = terms[0]
        for term in terms[1:]:
            whole = whole + term
        for x in xs:  # an argument that plays no part has the gradient 0, which is no error here
            whole = linked(whole, x)
        return whole

    return lambda xs: list(grad(total)(xs))


def _forward(f: Function, v: Values) -> Function:
    """xs → J v."""

    def moved(xs: Values) -> Values:
        return list(jvp(lambda *zs: f(list(zs)), tuple(xs), tuple(v))[1])

    return moved


def _constants(xs: Values) -> Values:
    return [leaf(x, FIXED) for x in xs]


def _laid(values: Values) -> np.ndarray:
    """All elements of all arrays, as one vector."""
    parts = [np.asarray(numbers(y), np.float64).reshape(-1) for y in values]
    return np.concatenate(parts) if parts else np.zeros(0)


def numbers(x: Any) -> Any:
    """What a tensor holds; anything else as it is."""
    return x._value if type(x) is Tensor else x


def _first_bad(x: np.ndarray) -> str:
    place = [int(i) for i in np.argwhere(~np.isfinite(x))[0]]
    return f"{x[tuple(place)]} at {place}"
