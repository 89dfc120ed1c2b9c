"""The gradient of any function derived on paper: every line of it, in symbols and in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...graph.errors import ChainruleError
from ...read.code.program import _labels
from .backward import chain_rule, local_gradients, running_products
from .closing import back_substitution, simplification
from .delta import delta
from .forward import rewriting, substitution
from .notation import BY_NAME, FORMS, Notation
from .reading import read
from .record import Closed, Derivation, Section, Step
from .refusals import impossible_form, known_form, not_too_large, on_the_path, one_number
from .sweep import Sweep, sweep

__all__ = ["Closed", "Derivation", "Section", "Step", "derive"]


def derive(
    loss: Any, wrt: Any = None, form: str | None = None, *, fold: bool = False,
    sizes: Mapping[int, str] | None = None,
) -> Derivation:  # fmt: skip
    """The whole way from a function to its gradient, as one would derive it on paper.

    Substitution u₁ … uₙ, the chain rule, a table of local gradients, running products,
    back-substitution to one closed formula, and for several leaves δ and what its reuse saves;
    all of it in symbols and in numbers. `wrt` is a leaf, a list of them, or a model or a dict,
    which says what they are called (None: all that were made with `chainrule.tensor`). `form`
    is "scalar" (single numbers), "index" (elements with indices) or "matrix" (whole arrays,
    with the shapes, and why each transpose and each sum); None takes the one that fits.
    `sizes={3: "N"}` writes N for every size of 3. `fold=True` keeps everything between values
    with a name, and inside of layers, closed.
    Shapes: `loss` is one number.
    Raises: ScalarError, DTypeError, PathError (no dependence), UsageError (too large, an
    unknown form, one these values cannot be written in).

    >>> import chainrule as cr
    >>> x = cr.tensor(2.0, name="x")
    >>> found = derive(cr.square(3.0 * x).named("y"), wrt=x)
    >>> for step in found.section("running products"):
    ...     print(step.left, "=", step.right, "=", step.result)
    {u_{1}}_{g} = 2 u_{1} = 12.0
    x_{g} = 3 {u_{1}}_{g} = 36.0
    """
    loss = one_number(loss)
    known_form(form)
    labels = _labels(wrt)
    targets = on_the_path(loss, list(labels) if labels else wrt)
    reading = read(loss, targets, labels, fold)
    not_too_large(len(reading.active), len(reading.leaves), loss, fold)
    notation = _notation(form, sweep(reading), sizes or {})
    return _derivation(notation)


def _notation(form: str | None, swept: Sweep, sizes: Mapping[int, str]) -> Notation:
    """The form that was asked for, or the first that everything can be written in."""
    reading = swept.reading
    values = (*reading.leaves, *reading.shown)
    if form is None:
        single, flat = all(n.size == 1 for n in values), all(n.ndim <= 2 for n in values)
        form = "scalar" if single else "matrix" if flat and _in_matrices(swept, sizes) else "index"
    for n in values:
        if form == "scalar" and n.size != 1:
            raise impossible_form(
                form, f"{reading.names[n]} is an array of shape {n.shape}",
                'write form="index" or form="matrix", or form=None for the one that fits', n.line,
            )  # fmt: skip
        if form == "matrix" and n.ndim > 2:
            raise impossible_form(
                form, f"{reading.names[n]} has {n.ndim} axes, {n.shape}, and a matrix has two",
                'write form="index"', n.line,
            )  # fmt: skip
    return FORMS[form](swept, sizes)


def _in_matrices(swept: Sweep, sizes: Mapping[int, str]) -> bool:
    """Whether all of it has a notation of whole matrices."""
    notation, stand = FORMS["matrix"](swept, sizes), swept.reading.stand
    formulas = [*swept.reading.means.items(), *swept.sums.items()]
    try:
        return not any(BY_NAME.search(notation.write(f, stand[n])) for n, f in formulas)
    except ChainruleError:  # shapes that matrices do not have, such as 0 rows
        return False


def _derivation(notation: Notation) -> Derivation:
    reading = notation.reading
    substituted, opened = back_substitution(notation)
    simplified, closed = simplification(notation, opened)
    sections = [
        substitution(notation), rewriting(notation), chain_rule(notation),
        local_gradients(notation), running_products(notation), substituted, simplified,
        delta(notation),
    ]  # fmt: skip
    named = [reading.names[t] for t in reading.targets]
    listed = ", ".join(named[:-1]) + (" and " if len(named) > 1 else "") + named[-1]
    title = f"The derivative of {reading.names[reading.loss]} with respect to {listed}"
    return Derivation(
        title, notation.form, tuple(s for s in sections if s), tuple(closed), _symbols(notation),
    )  # fmt: skip


def _symbols(notation: Notation) -> dict[str, Any]:
    """The numbers of every symbol of the formulas."""
    values = notation.sweep.values
    if values is None:
        return {}
    found: dict[str, Any] = {notation.names[s]: values[s] for s in notation.names if s in values}
    return found | {letter: float(size) for size, letter in notation.sizes.items()}
