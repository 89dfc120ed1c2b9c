"""A forward and a backward pass told step by step, in exact arithmetic or as on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..eager.tensor import FIXED, Tensor
from ..graph.caller import made_at
from ..graph.errors import DTypeError, PathError, ScalarError, UsageError
from ..graph.namespace import XP
from ..graph.spelling import told_type
from ..graph.walk import order
from .elements import Element, element_of
from .numbers import short
from .paper import on_paper
from .steps import Operand, Step, plain_value, steps

DIGITS = 7  # significant ones, in a transcript


@dataclass(frozen=True, eq=False)
class Drift:
    """How far paper arithmetic is from exact arithmetic, at one value or gradient."""

    name: str
    of: str  # "value" or "gradient"
    paper: Any
    exact: Any

    @property
    def size(self) -> float:
        """The largest distance between the two."""
        paper, exact = (np.asarray(x, np.float64) for x in (self.paper, self.exact))
        return float(np.max(np.abs(paper - exact), initial=0.0))  # as floats: of truth values too


@dataclass(frozen=True, eq=False)
class Update:
    """One step of gradient descent, and the forward pass after it."""

    lr: float
    before: dict[str, Any]
    after: dict[str, Any]
    steps: tuple[Step, ...]

    @property
    def result(self) -> Any:
        """The value after the step."""
        return self.steps[-1].value

    def __str__(self) -> str:
        return self.transcript()

    def transcript(self, places: bool = True) -> str:
        """The step and the pass after it as text; `places` are the user's lines."""
        lines = [f"one step of gradient descent, learning rate {self.lr:g}"]
        for n, w in self.after.items():
            lines.append(f"  {n}: {short(self.before[n], DIGITS)} → {short(w, DIGITS)}")
        lines.append("forward, after it")
        lines += [forward_line(s, places) for s in self.steps if not s.is_variable]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Trace:
    """Every step of a computation: what it computed, and how its gradient came about."""

    steps: tuple[Step, ...]  # variables first, then all that was computed, in order
    result: Any
    gradients: dict[str, Any]
    digits: int | None
    exact: Trace | None  # beside a trace on paper, the same one in exact arithmetic
    update: Update | None
    nodes: tuple[Tensor, ...]
    names: dict[Tensor, str]
    values: dict[Tensor, Any]

    def name_of(self, node: Tensor) -> str:
        """What the step of a node is called; a constant has no step and no name."""
        return self.names.get(node, "")

    def value_of(self, node: Tensor) -> Any:
        """The numbers of a node, in this trace's arithmetic."""
        return plain_value(self.values[node])

    @property
    def backward(self) -> tuple[Step, ...]:
        """The steps that a gradient reaches, in the order in which it does."""
        made = [s for s in reversed(self.steps) if not s.is_variable]
        given = [s for s in self.steps if s.is_variable]
        return tuple(s for s in (*made, *given) if s.upstream is not None)

    def __getitem__(self, name: str) -> Step:
        for s in self.steps:
            if s.name == name:
                return s
        raise UsageError(
            f"trace: no step is called {name!r}; there are {', '.join(s.name for s in self.steps)}"
        )

    @property
    def drift(self) -> tuple[Drift, ...]:
        """For every step, paper beside exact: first the values, then the gradients."""
        if self.exact is None:
            return ()
        pairs = list(zip(self.steps, self.exact.steps, strict=True))
        values = [Drift(p.name, "value", p.value, e.value) for p, e in pairs
                  if not isinstance(p.value, tuple)]  # fmt: skip
        gradients = [
            Drift(p.name, "gradient", p.upstream, e.upstream) for p, e in pairs
            if isinstance(p.upstream, np.ndarray | np.generic)
        ]  # fmt: skip
        return (*values, *gradients)

    def element(self, name: str, *index: int, gradient: bool = False) -> Element:
        """One element's own sum of products: of a value, or of a gradient.

        >>> import chainrule as cr
        >>> a = cr.tensor([[1.0, 2.0]], name="a")
        >>> b = cr.tensor([[3.0], [4.0]], name="b")
        >>> print(cr.trace(cr.sum(a @ b)).element("u1", 0, 0))
        u1[0, 0] = 1 · 3 + 2 · 4 = 11
        """
        return element_of(self, self[name], index, gradient)

    def __str__(self) -> str:
        return self.transcript()

    def transcript(self, places: bool = True) -> str:
        """All of it as text; `places` are the user's lines."""
        lines = ["forward"]
        lines += [forward_line(s, places) for s in self.steps]
        lines += ["backward"]
        for s in self.backward:
            lines += card(s)
        for n, g in self.gradients.items():
            lines.append(f"gradient of {n}: {'0' if g is None else short(g, DIGITS)}")
        if self.digits is not None:
            lines.append(
                f"on paper: sums and products in full, everything else to {self.digits} decimals"
            )
            lines += [
                f"  {d.of} of {d.name}: {short(d.paper, DIGITS)}, exactly {short(d.exact, DIGITS)}"
                for d in self.drift if d.size > 1e-12
            ]  # fmt: skip
        if self.update is not None:
            lines.append(self.update.transcript(places))
        return "\n".join(lines)


def forward_line(s: Step, place: bool = True) -> str:
    """A value, how it was made, and the user's line."""
    value = short(s.value, DIGITS)
    told = f"  {s.name} = {value}" if s.is_variable else f"  {s.name} = {s.operation} = {value}"
    if s.line is None or not place:
        return told
    return f"{told}    [{s.line}{f'  {s.line.source}' if s.line.source else ''}]"


def card(s: Step) -> list[str]:
    """How a node's gradient comes in and what it sends down."""
    total = short(s.upstream, DIGITS)
    if len(s.parts) > 1:
        sent = " + ".join(f"{_signed(g)} from {n}" for n, g in s.parts)
        total = f"{sent} = {total}"
    lines = [f"  {s.name}: upstream {total}"]
    if not s.is_variable and s.words:
        lines[0] += f"    ({s.operation} {s.words})"
    return lines + [_way(s, o) for o in s.operands]


def _way(s: Step, o: Operand) -> str:
    if o.downstream is None:
        return f"    to {o.name}: no gradient"
    down = short(o.downstream, DIGITS)
    if o.local is None:
        return f"    to {o.name}: {o.words} = {down}"
    return f"    to {o.name}: {_signed(s.upstream)} · {_signed(o.local)} = {down}"


def _signed(x: Any) -> str:
    text = short(x, DIGITS)
    return f"({text})" if text.startswith("-") else text


def trace(
    loss: Tensor, wrt: Any = None, *, digits: int | None = None, lr: float | None = None
) -> Trace:
    """The forward and the backward pass that made `loss`, step by step, with all numbers.

    A step holds upstream, local and downstream gradients, who sent which part of a sum, the
    op's behaviour in words, and the user's line; `print` shows all of it. With `digits` the
    arithmetic is that of paper: sums and products in full, everything else rounded to so many
    decimals, and `drift` tells how far off that is. With `lr` one step of gradient descent on
    `wrt` (all leaves that were given) follows, and the forward pass after it.
    Shapes: `loss` is one number.
    Raises: ScalarError, DTypeError (an integer), PathError, UsageError.

    >>> import chainrule as cr
    >>> z = cr.tensor(1.0, name="z")
    >>> print(cr.trace(cr.square(1.0 - cr.sigmoid(z)), digits=2)["z"].upstream.round(6))
    -0.106434
    """
    refuse(loss, "trace")
    nodes = order((loss,))
    variables = _variables(nodes, wrt)
    exact = None if digits is None else _traced(loss, variables, None, None, None)
    return _traced(loss, variables, digits, exact, lr)


def refuse(loss: Any, asked: str) -> None:
    """Refuse what has no gradient to tell of: no tensor, no float, not one number."""
    if type(loss) is not Tensor:
        raise UsageError(
            f"{asked}: of {told_type(loss)}, which does not remember how it was made; give a "
            f"tensor computed from chainrule.tensor(...)"
        )
    if loss.dtype.kind != "f":
        raise DTypeError(f"{asked}: of {loss.dtype}; only floats have gradients")
    if loss.size != 1:
        raise ScalarError(
            f"{asked}: of {loss.op}, shape {loss.shape}; a gradient starts from one number: take "
            f"cr.sum or cr.mean of it{made_at(loss.line)}"
        )


def _variables(nodes: list[Tensor], wrt: Any) -> list[Tensor]:
    if wrt is None:
        return [
            n for n in nodes if not n.inputs and n.op is not FIXED and n.dtype.kind == "f"
        ]  # fmt: skip
    wrt = list(wrt) if isinstance(wrt, Sequence) and not isinstance(wrt, Tensor) else [wrt]
    reached = set(nodes)
    for v in wrt:
        if v not in reached or v.inputs:
            raise PathError(
                f"trace: the value does not depend on {getattr(v, 'name', None) or 'a leaf'} "
                "of wrt; give leaves, made with chainrule.tensor(...)"
            )
    return wrt


def _traced(
    loss: Tensor, variables: list, digits: int | None, exact: Trace | None, lr: float | None
) -> Trace:
    given = _variables(order((loss,)), None)
    values = None if digits is None else on_paper(loss, digits)
    done = tuple(steps(loss, given, values))
    names = dict(zip((v for v in given), (s for s in done if s.is_variable), strict=True))
    gradients = {names[v].name: names[v].upstream for v in variables}
    update = None if lr is None else _updated(loss, variables, names, digits, lr)
    nodes = tuple(order((loss,)))
    made = [n for n in nodes if n.inputs]
    names_of = {n: s.name for n, s in zip((*given, *made), done, strict=True)}
    values = {n: n._value for n in nodes} if values is None else values
    return Trace(
        done, done[-1].value, gradients, digits, exact, update, nodes, names_of, dict(values)
    )


def _updated(loss: Tensor, variables: list, names: dict, digits: int | None, lr: float) -> Update:
    if isinstance(lr, bool) or not isinstance(lr, (int, float)) or not np.isfinite(lr):
        raise UsageError(f"trace: lr={lr!r}; give a finite number")
    moved = {
        v: v._value if names[v].upstream is None else v._value - lr * names[v].upstream
        for v in variables
    }
    made: dict[Tensor, Tensor] = {}
    for n in order((loss,)):
        inputs = tuple(made[i] for i in n.inputs)
        made[n] = _again(n, inputs, moved.get(n))
    after = made[loss]
    values = None if digits is None else on_paper(after, digits)
    given = [made[v] for v in names]
    return Update(
        float(lr),
        {names[v].name: v._value for v in variables},
        {names[v].name: moved[v] for v in variables},
        tuple(steps(after, given, values)),
    )


def _again(n: Tensor, inputs: tuple, value: Any) -> Tensor:
    """The same op, line and name, of other operands."""
    if n.inputs:
        value = n.op.forward(XP, *(i._value for i in inputs))
        value = value if type(value) is tuple else np.asarray(value)
    made = Tensor(n._value if value is None else value, n.op, inputs, n.line)
    made._label = n.name
    return made
