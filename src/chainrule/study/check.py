"""Is a gradient right? It is asked along random directions, in both modes, to any order.

Every answer is compared with differences of the function's own values, and the two modes with
each other: ⟨u, J v⟩ = ⟨Jᵀu, v⟩ for any u and v, with no difference quotient in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.coerce import refuse_complex
from ..graph.errors import DTypeError, UsageError
from ..graph.op import Op
from ..ops.catalogue import Operand
from ..ops.family import Elementwise
from ..transform import tree_flatten, tree_unflatten
from ..transform.trees import tree_names
from .inquiry import Inquiry, Values, numbers
from .report import GradientReport

MODES = ("forward", "reverse")


def check_grads(
    f: Callable, args: Any, order: int = 2, modes: Sequence[str] = MODES, *,
    seed: int = 0, rtol: float = 1e-5, element: bool = False,
) -> GradientReport:  # fmt: skip
    """Compare the derivatives of `f` at `args` with differences of its values.

    Shapes: `args` is a tuple of arguments, pytrees of any shapes; `f` returns any pytree of
    arrays. Floats are computed in float64, other arguments are kept as they are. `order` 2
    also checks the derivative of the derivative, in every combination of `modes`. A kink is
    reported, not blamed. With `element`, the worst element is looked for and named.
    Raises: GradientError where they disagree, with the report as its `report`;
    NotFiniteError where there is no finite value to compare; UsageError, DTypeError.
    Source: Christianson's and Griewank's tests of adjoints; Ridders 1982.

    >>> import chainrule as cr
    >>> report = check_grads(cr.tanh, (np.array([0.1, -0.5]),))
    >>> report.ok, len(report.kinks)
    (True, 0)
    """
    args = args if isinstance(args, tuple) else (args,)
    leaves, structure = tree_flatten(args)
    names = [f"argument{name}" for name in tree_names(args)]
    floats = [k for k, x in enumerate(leaves) if _is_float(x, names[k])]
    what = f"check_grads of {_called(f)}"
    if not floats:
        kinds = ", ".join(f"{n} is {_dtype(x)}" for n, x in zip(names, leaves, strict=True))
        raise DTypeError(
            f"{what}: {kinds or 'it has no arguments'}; only floats have gradients: pass at least "
            f"one"
        )

    def flat(xs: Values) -> Values:
        given = list(leaves)
        for k, x in zip(floats, xs, strict=True):
            given[k] = x
        return tree_flatten(f(*tree_unflatten(structure, given)))[0]

    xs = [np.array(numbers(leaves[k]), np.float64) for k in floats]
    fixed = tuple(f"{n} {_dtype(leaves[k])}" for k, n in enumerate(names) if k not in floats)
    inquiry = Inquiry(what, [names[k] for k in floats], rtol, np.random.default_rng(seed), element)
    return inquiry.run(flat, xs, order, _known(modes, what), fixed)


def check_op(
    op: Op, *operands: Any, order: int = 1, modes: Sequence[str] = MODES, seed: int = 0,
    rtol: float = 1e-5, element: bool = False,
) -> GradientReport:  # fmt: skip
    """Check the rule of one op; an elementwise op without operands is sampled in its domain.

    Beside what `check_grads` does, the local gradient itself is compared, operand by operand.
    Raises: GradientError that names the method to look at.

    >>> import chainrule as cr
    >>> check_op(cr.tanh).ok
    True
    """
    if not operands and isinstance(op, Elementwise):
        rng = np.random.default_rng(seed)
        domains = (*op.domain, *op.domain[-1:] * (len(op.takes) - len(op.domain)))
        operands = tuple(
            Operand(domain=d, kinks=op.kinks).sample(rng, k) for k, d in enumerate(domains)
        )
    floats = [k for k, x in enumerate(operands) if _is_float(x, f"operand {k}")]
    what = type(op).__name__
    if not floats:
        raise DTypeError(f"{what}: has no float among its operands, so it has no gradient to check")

    def flat(xs: Values) -> Values:
        given = list(operands)
        for k, x in zip(floats, xs, strict=True):
            given[k] = x
        made = op(*given)
        return list(made) if isinstance(made, tuple) else [made]

    xs = [np.array(numbers(operands[k]), np.float64) for k in floats]
    names = [f"operand {k}" for k in floats]
    inquiry = Inquiry(what, names, rtol, np.random.default_rng(seed), element, op)
    if isinstance(op, Elementwise) and not op.stops:
        inquiry.locals(op, flat, xs, operands, floats)
    return inquiry.run(flat, xs, order, _known(modes, what), ())


def _dtype(x: Any) -> str:
    return str(np.asarray(numbers(x)).dtype)


def _is_float(x: Any, name: str) -> bool:
    value = np.asarray(numbers(x))
    refuse_complex(value.dtype)
    if value.dtype.kind not in "biuf":
        raise DTypeError(f"check_grads: {name} is {type(x).__name__}; give numbers")
    return value.dtype.kind == "f" or type(x) is int


def _called(f: Callable) -> str:
    return getattr(f, "__name__", None) or str(f)


def _known(modes: Sequence[str], what: str) -> tuple[str, ...]:
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    if not modes or set(modes) - set(MODES):
        raise UsageError(f"{what}: modes {modes}; choose among {MODES}")
    return modes
