"""Make exercises of a computation: which of its questions are asked, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...eager.tensor import Tensor
from ...graph.errors import PathError, UsageError
from ...graph.spelling import did_you_mean, told_type
from ..trace import refuse
from .exercise import KINDS, Exercise, Practice
from .questions import MAKERS
from .subject import Subject


def practice(
    loss: Tensor, wrt: Any = None, *, kinds: Any = None, count: int = 10, seed: int = 0
) -> Practice:
    """Exercises about the computation of `loss` and its gradients, with hints and a check.

    Values, local gradients, downstream gradients, closed formulas and lines of backward code
    (`kinds`), of which `count` are drawn by `seed`; formulas and code are asked for `wrt` (all
    leaves that were given). The check evaluates an answer at random points, so that every way
    to write it counts, and names the slip behind a wrong one: a sign, a transpose, a factor, a
    sum, the outer derivative without the inner. `.given` is the computation; every exercise has
    `.question`, `.check(answer)` and `.hints`.
    Shapes: `loss` is one number.
    Raises: UsageError, ScalarError, DTypeError, PathError.

    >>> import chainrule as cr
    >>> x = cr.tensor(1.5, name="x")
    >>> (one,) = practice(cr.sin(x**2), kinds="formula", count=1)
    >>> print(one.check("cos(x**2)"))
    that is ∂u2/∂u1, the outer part alone: it still has to be multiplied by the inner one, ∂u1/∂x
    >>> print(one.check("2*x*cos(x**2)"))
    right
    """
    refuse(loss, "practice")
    chosen = _kinds(kinds)
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise UsageError(f"practice: count={count!r}; give a whole number, 1 or more")
    subject = Subject(loss)
    if not subject.leaves:
        raise PathError("practice: nothing this was computed from is a tensor that you made")
    asked = _asked(subject, loss, wrt)
    made = {kind: list(MAKERS[kind](subject, asked)) for kind in chosen}
    if not any(made.values()):
        raise UsageError(
            f"practice: this computation holds no exercise of the kind {', '.join(chosen)}; "
            f"there are {', '.join(KINDS)}"
        )
    drawn = _drawn(made, int(count), np.random.default_rng(seed))
    return Practice(subject.given(), tuple(drawn))


def _kinds(kinds: Any) -> list[str]:
    given = kinds.replace(",", " ").split() if isinstance(kinds, str) else kinds
    chosen = list(KINDS) if given is None else list(given)
    for kind in chosen:
        if kind not in KINDS:
            advice = did_you_mean(str(kind), KINDS, f"there are {', '.join(KINDS)}")
            raise UsageError(f"practice: there is no kind {kind!r} of exercise; {advice}")
    return [k for k in KINDS if k in chosen]


def _asked(subject: Subject, loss: Tensor, wrt: Any) -> list[Tensor]:
    if wrt is None:
        return subject.leaves
    wrt = list(wrt) if isinstance(wrt, Sequence) and not isinstance(wrt, Tensor) else [wrt]
    twins = subject.twins
    for w in wrt:
        if type(w) is not Tensor or w not in twins:
            what = getattr(w, "name", None) or told_type(w)
            raise PathError(f"practice: the value does not depend on {what} of wrt")
    return [twins[w] for w in wrt]


def _drawn(made: dict[str, list[Exercise]], count: int, rng: np.random.Generator) -> list[Exercise]:
    """So many exercises, evenly of every kind, those of a kind drawn at random."""
    shuffled = {k: [e[i] for i in rng.permutation(len(e))] for k, e in made.items()}
    taken: dict[str, list[Exercise]] = {k: [] for k in made}
    while sum(map(len, taken.values())) < count and any(shuffled.values()):
        for kind, left in shuffled.items():
            if left and sum(map(len, taken.values())) < count:
                taken[kind].append(left.pop())
    return [e for kind in KINDS for e in taken.get(kind, ())]
