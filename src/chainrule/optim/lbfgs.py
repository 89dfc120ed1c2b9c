"""L-BFGS: Newton's direction from the last few gradients, for losses over all the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ..graph.errors import DTypeError, UsageError
from ..graph.operators import Operators
from ..ops import abs as magnitude
from ..ops import concat, reshape, sum, vecdot
from ..ops import max as largest
from ..transform.trees import tree_flatten, tree_unflatten
from .adaptive import plain
from .options import RATE, WHOLE, check, check_rate
from .search import Point, strong_wolfe
from .transform import Step, Transform, bare, counted, dressed, float_of, same_leaves, scheduled

CURVED = 1e-10  # a pair whose change along the move is not above this says nothing of curvature


class Memory(NamedTuple):
    """Steps and iterations taken; the last move as direction and length, and the gradient there;
    the curvature as a factor, and as (move, change of gradient, 1/(move·change)) a pair."""

    step: Any
    iterations: int
    direction: Any
    length: Any
    gradient: Any
    scale: Any
    pairs: tuple


class Place(NamedTuple):
    """Where a step stands: all parameters as one vector, with the loss and gradient there."""

    x: Any
    loss: Any
    gradient: Any


class LBFGS(Transform):
    """Limited-memory BFGS: d = -H·g, with H the inverse Hessian that the last gradients suggest.

    H comes from `history_size` pairs s = Δw, y = Δg by the two-loop recursion, starting from
    (s·y)/(y·y)·I; a step is up to `max_iter` iterations w ← w + t·d, at no more than `max_eval`
    losses (5/4·max_iter unless given). `line_search="strong_wolfe"` finds t, starting from lr;
    with None t = lr. It ends early where no gradient is above `tolerance_grad`, or neither
    weights nor loss move by more than `tolerance_change`.

    It asks for the loss at points of its own choice, so it has no `update`: call
    `step(objective, state, params)` with `objective = value_and_grad(loss)`, on all the data.
    Shapes: one dtype for all parameters.
    Raises: UsageError for `update`, for an option outside its range, and inside a chain, groups
    or accumulate; TracingError while tracing, since where it looks next depends on numbers.
    Source: Liu and Nocedal 1989; Nocedal and Wright 2006, algorithm 7.4; in PyTorch's form.

    >>> import numpy as np, chainrule as cr
    >>> objective = cr.value_and_grad(lambda w: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2)
    >>> optimizer, w = cr.optim.LBFGS(), np.array([-1.2, 1.0])
    >>> state = optimizer.init(w)
    >>> for _ in range(3):
    ...     _, _, updates, state = optimizer.step(objective, state, w)
    ...     w = cr.optim.apply_updates(w, updates)
    >>> w.round(3)
    array([1., 1.])
    """

    full_batch = True

    def __init__(
        self, lr: Any = 1.0, max_iter: int = 20, max_eval: int | None = None,
        tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
        line_search: str | None = "strong_wolfe",
    ):  # fmt: skip
        check_rate("LBFGS", lr)
        evaluations = max_iter if max_eval is None else max_eval
        check("LBFGS", WHOLE, max_iter=max_iter, max_eval=evaluations, history_size=history_size)
        check("LBFGS", RATE, tolerance_grad=tolerance_grad, tolerance_change=tolerance_change)
        if line_search not in ("strong_wolfe", None):
            raise UsageError(
                f"LBFGS(line_search={line_search!r}): there is 'strong_wolfe', or None"
            )
        self.lr, self.max_iter, self.line_search = lr, max_iter, line_search
        self.max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        self.tolerance_grad, self.tolerance_change = tolerance_grad, tolerance_change
        self.history_size = history_size

    def init(self, params: Any) -> Memory:
        leaves, _ = tree_flatten(params)
        dtypes = {np.dtype(float_of(p)).name for p in leaves}
        if len(dtypes) > 1:
            raise DTypeError(f"LBFGS: parameters of {' and '.join(sorted(dtypes))}; give all one")
        if not leaves:
            raise UsageError("LBFGS: there are no parameters")
        nothing = np.zeros(int(np.sum([np.prod(p.shape) for p in leaves])), dtypes.pop())
        return Memory(0, 0, nothing, 0.0, nothing, 1.0, ())

    def update(self, grads: Any, state: Any, params: Any) -> NoReturn:
        raise UsageError(
            "LBFGS.update: it needs the loss at points of its own choice, not one gradient; call "
            "step(objective, state, params), with objective = cr.value_and_grad(loss)"
        )

    def step(self, objective: Callable, state: Memory, params: Any) -> Step:
        """Up to `max_iter` iterations; `objective(params)` is `(loss, gradients)`."""
        given, structure = tree_flatten(params)
        asked = _Asked(objective, structure, given)
        with np.errstate(all="ignore"):  # a search may look where nothing is finite
            loss, gradients = asked.first(params)
            start = place = Place(_joined(bare(given)), _number(loss), asked.joined(gradients))
            memory = state
            if _size(place.gradient) > self.tolerance_grad:
                rate = self._rate(state.step)
                place, memory = self._iterated(asked, place, memory, rate)
            updates = dressed(_parted(place.x - start.x, given), given)
        after = memory._replace(step=counted(state.step) + 1)
        return Step(loss, gradients, tree_unflatten(structure, updates), after)

    def _rate(self, step: Any) -> Any:
        return scheduled("LBFGS", self.lr, counted(step)) if callable(self.lr) else self.lr

    def _iterated(self, asked: Any, place: Place, memory: Memory, rate: Any) -> tuple:
        evaluations = 1
        for k in range(1, self.max_iter + 1):
            memory = _turned(memory, place.gradient, self.history_size)
            d, loss = memory.direction, place.loss
            t = rate
            if memory.iterations == 1:  # nothing is known of the curvature: a step of about lr
                t = min(1.0, 1.0 / _number(sum(magnitude(place.gradient)))) * rate
            memory = memory._replace(length=plain(t))
            slope = _dot(place.gradient, d)
            if slope > -self.tolerance_change:
                break
            place, t, used = self._moved(asked, place, d, t, slope, k, self.max_eval - evaluations)
            memory = memory._replace(length=plain(t))
            evaluations += used
            if (
                evaluations >= self.max_eval
                or _size(place.gradient) <= self.tolerance_grad
                or _size(d * plain(t)) <= self.tolerance_change
                or abs(place.loss - loss) < self.tolerance_change
            ):
                break
        return place, memory

    def _moved(
        self, asked: Any, place: Place, d: Any, t: Any, slope: Any, k: int, tries: int
    ) -> tuple:
        """The place after one iteration, the length of the move, and the losses it took."""

        def probe(t: Any) -> Point:
            loss, gradient = asked.at(place.x + plain(t) * d)
            return Point(t, loss, _dot(gradient, d), gradient)

        if self.line_search:
            start = Point(0.0, place.loss, slope, place.gradient)
            found, used = strong_wolfe(probe, start, t, _size(d), tries)
            return Place(place.x + plain(found.t) * d, found.loss, found.gradient), found.t, used
        x = place.x + plain(t) * d
        if k == self.max_iter:  # the next step looks here anyway
            return place._replace(x=x), t, 0
        return Place(x, *asked.at(x)), t, 1


def _turned(memory: Memory, g: Any, most: int) -> Memory:
    """The memory with what the last move taught, and the direction from there."""
    if memory.iterations == 0:
        return memory._replace(iterations=1, direction=-g, gradient=g)
    pairs, scale = memory.pairs, memory.scale
    move, change = memory.direction * plain(memory.length), g - memory.gradient
    curvature = _dot(change, move)
    if curvature > CURVED:
        pairs = (*pairs, (move, change, 1.0 / curvature))[-most:]
        scale = curvature / _dot(change, change)
    return memory._replace(
        iterations=memory.iterations + 1, direction=_newton(g, pairs, scale), gradient=g,
        scale=scale, pairs=pairs,
    )  # fmt: skip


def _newton(g: Any, pairs: tuple, scale: Any) -> Any:
    """-H·g by the two-loop recursion."""
    d, shares = -g, []
    for move, change, inverse in reversed(pairs):
        share = _dot(move, d) * inverse
        d = d - plain(share) * change
        shares.append(share)
    d = d * plain(scale)
    for (move, change, inverse), share in zip(pairs, reversed(shares), strict=True):
        d = d + move * plain(share - _dot(change, d) * inverse)
    return d


class _Asked:
    """The objective, as a function of one vector."""

    def __init__(self, objective: Any, structure: Any, given: list):
        if not callable(objective):
            raise UsageError(
                f"LBFGS.step: the objective is {objective!r}; give a function, such as "
                "cr.value_and_grad(loss)"
            )
        self.objective, self.structure, self.given = objective, structure, given

    def first(self, params: Any) -> tuple:
        """Loss and gradients as the objective gives them."""
        found = self.objective(params)
        if not isinstance(found, tuple) or len(found) != 2:
            raise UsageError(
                f"LBFGS.step: the objective gave {type(found).__name__}; it must give (loss, "
                "gradients): write cr.value_and_grad(loss)"
            )
        return found

    def at(self, x: Any) -> tuple:
        """Loss and gradient, as a vector, at a vector of parameters."""
        parts = dressed(_parted(x, self.given), self.given)
        loss, gradients = self.first(tree_unflatten(self.structure, parts))
        return _number(loss), self.joined(gradients)

    def joined(self, gradients: Any) -> Any:
        """Gradients as one vector, checked."""
        leaves = bare(tree_flatten(gradients)[0])
        same_leaves(leaves, self.given)
        return _joined(leaves)


def _joined(leaves: list) -> Any:
    return concat([reshape(x, (-1,)) for x in leaves])


def _parted(x: Any, leaves: list) -> list:
    parts, start = [], 0
    for leaf in leaves:
        end = start + int(np.prod(leaf.shape, dtype=int))
        parts.append(reshape(x[start:end], leaf.shape))
        start = end
    return parts


def _number(x: Any) -> Any:
    """A number in full precision, or what is differentiated as it is."""
    x = bare([x])[0]
    return x if isinstance(x, Operators) else np.float64(x)


def _dot(a: Any, b: Any) -> Any:
    return _number(vecdot(a, b))


def _size(x: Any) -> Any:
    return _number(largest(magnitude(x)))
