"""The questions a computation holds, kind by kind, each with its check and its hints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...eager.tensor import FIXED, Tensor
from ...graph.chain import path as steps_towards
from ...graph.node import Pick
from ...ops.family import Elementwise
from ..numbers import number, short
from ..path_text import Factor
from ..paths import paths
from ..steps import Place, local_gradient
from .exercise import Exercise
from .slips import Slip, slips
from .subject import DIGITS, Subject
from .verdict import Question, Verdict, judge_formula, judge_number

MOST_PATHS = 12  # in a hint

# ------------------------------------------------------------------ values and local gradients


def values(s: Subject, asked: list[Tensor]) -> Iterator[Exercise]:
    """Forward: what a node comes to, from the values of its operands."""
    for t in s.made:
        if isinstance(t.op, Pick) or type(t._value) is tuple or t.dtype.kind != "f":
            continue
        if t.size > 16 or t.op.name in ("broadcast_to", "positive"):
            continue
        for place in [()] if not t.shape else [_place(t)]:
            exact = np.asarray(t._value)[place]
            if not np.isfinite(exact):
                continue
            name = s.names[t] + (f"[{', '.join(map(str, place))}]" if place else "")
            operands = _known(s, t.inputs)
            yield _number(
                s, "value", f"{s.names[t]} = {s.operation(t)} with {operands}. What is {name}?",
                name, exact, _value_slips(s, t, place), (
                    f"go forward: {t.op.name} of its operands",
                    f"{s.names[t]} = {s.operation(t)}, and {operands}",
                ), s.operation(t), without={s.names[t]},
            )  # fmt: skip


def _known(s: Subject, among: tuple[Tensor, ...]) -> str:
    """The values of these, each once, in words."""
    named = [t for t in among if t in s.names]
    return ", ".join(dict.fromkeys(f"{s.names[t]} = {short(t._value)}" for t in named))


def _place(t: Tensor) -> tuple[int, ...]:
    # Not the first element: which row and which column meet there should matter.
    return tuple(n - 1 if k == len(t.shape) - 1 else min(1, n - 1) for k, n in enumerate(t.shape))


def _value_slips(s: Subject, t: Tensor, place: tuple) -> list[Slip]:
    return [
        Slip("operand", f"that is {s.names[i]}, which goes into {s.names[t]}",
             lambda p, i=i: p.values[i])
        for i in t.inputs if i in s.names and i.size == 1 and not place
    ]  # fmt: skip


def _edges(s: Subject) -> Iterator[tuple[Tensor, int]]:
    for t, wanted in s.towards:
        for k, on in enumerate(wanted):
            alone = sum(i is t.inputs[k] for i in t.inputs) == 1
            if on and alone and isinstance(t.op, Elementwise) and t in s.here.gradients:
                yield t, k


def local_at(t: Tensor, k: int, point: Any) -> Any:
    """The local gradient of a node by one operand at a point."""
    places = tuple(Place(i, i.op, (), point.values[i]) for i in t.inputs)
    return local_gradient(Place(t, t.op, places, point.values[t]), k)


def locals_(s: Subject, asked: list[Tensor]) -> Iterator[Exercise]:
    """The local gradient of a node: a formula, and a number where the node is one."""
    for t, k in _edges(s):
        of, by = s.names[t], s.names[t.inputs[k]]
        what, told = f"∂{of}/∂{by}", f"{of} = {s.operation(t)}"
        formula = s.local(t, k)
        if formula is None:
            continue
        hints = (f"only {t.op.name} counts here: how does {of} change when {by} alone changes?",
                 f"{t.op.name} {t.op.words}")  # fmt: skip
        if formula.replace(".", "").lstrip("-").isdigit() and t.op.name in ("add", "positive"):
            continue  # nothing to find out
        if t.shape == t.inputs[k].shape == () or all(
            i.shape == t.shape for i in t.inputs if i in s.names
        ):
            question = f"{told}. What is the local gradient {what}, as a formula?"
            q = Question(
                what, s.points, lambda p, t=t, k=k: np.broadcast_to(local_at(t, k, p), t.shape),
                s.environment, lambda t=t, k=k: _local_slips(s, t, k), s.count, repeats=True,
            )  # fmt: skip
            yield _formula(s, "local", question, q, formula, (*hints, f"{what} = {formula}"))
        if t.shape == ():
            exact = float(np.asarray(local_at(t, k, s.here)).reshape(-1)[0])
            known = _known(s, (*t.inputs, t))
            question = f"{told}, with {known}. What is the local gradient {what}, as a number?"
            yield _number(s, "local", question, what, exact, list(_local_slips(s, t, k)),
                          (*hints, f"{what} = {formula}"), formula)  # fmt: skip


def _local_slips(s: Subject, t: Tensor, k: int) -> Iterator[Slip]:
    of, by = s.names[t], s.names[t.inputs[k]]
    yield Slip(
        "not local", f"that is ∂{s.names[s.loss]}/∂{by}: the local gradient is of {of} alone",
        lambda p: p.gradients.get(t.inputs[k], np.nan),
    )  # fmt: skip
    yield Slip("value", f"that is {of} itself, not how it changes", lambda p: p.values[t])
    for j, i in enumerate(t.inputs):
        if j != k and i in s.names and i.op is not FIXED and i.dtype.kind == "f":
            yield Slip("other operand", f"that is the local gradient by {s.names[i]}",
                       lambda p, j=j: local_at(t, j, p))  # fmt: skip


def downstreams(s: Subject, asked: list[Tensor]) -> Iterator[Exercise]:
    """Upstream times local is downstream; where several values read one, the sum."""
    for t, k in _edges(s):
        i = t.inputs[k]
        if t.shape != () or i.shape != ():
            continue
        of, by, loss = s.names[t], s.names[i], s.names[s.loss]
        upstream = float(s.here.gradients[t])
        local = float(np.asarray(local_at(t, k, s.here)).reshape(-1)[0])
        known = _known(s, (*t.inputs, t))
        question = (
            f"{of} = {s.operation(t)}, with {known}. The upstream gradient ∂{loss}/∂{of} is "
            f"{number(upstream)}. What does {of} send to {by}?"
        )
        found = [
            Slip("local gradient", f"that is the local gradient ∂{of}/∂{by} alone: downstream is "
                 "upstream times local", lambda p, v=local: v),
            Slip("upstream gradient", f"that is the upstream gradient: it still has to be "
                 f"multiplied by the local gradient ∂{of}/∂{by}", lambda p, v=upstream: v),
            Slip("added", "upstream and local are multiplied, not added",
                 lambda p, v=upstream + local: v),
        ]  # fmt: skip
        if upstream != 1.0 and np.isfinite(upstream * local):
            formula = s.local(t, k)
            yield _number(s, "downstream", question, "the downstream gradient", upstream * local,
                          found, ("downstream = upstream · local", f"local: ∂{of}/∂{by} = {formula}"
                                  f" = {number(local)}"),
                          f"{number(upstream)} * ({number(local)})")  # fmt: skip
    yield from _sums(s)


def _sums(s: Subject) -> Iterator[Exercise]:
    for t in s.nodes:
        step = s.steps.get(t)
        if step is None or len(step.parts) < 2 or t.shape != () or t not in s.here.gradients:
            continue
        sent = " and ".join(f"{number(g)} from {n}" for n, g in step.parts)
        name, loss = s.names[t], s.names[s.loss]
        found = [
            Slip("missing term", f"that is only what {n} sends: what arrives at {name} adds up",
                 lambda p, g=g: g) for n, g in step.parts
        ]  # fmt: skip
        yield _number(
            s, "downstream", f"{name} receives {sent}. What is ∂{loss}/∂{name}?",
            f"∂{loss}/∂{name}", float(s.here.gradients[t]), found,
            (f"{name} is read {len(step.parts)} times: a change of it reaches the result on "
             "several ways", "the gradients that arrive are added up"),
            " + ".join(f"({number(g, 9)})" for _, g in step.parts),
        )  # fmt: skip


# ------------------------------------------------------------------ formulas and code


def formulas(s: Subject, asked: list[Tensor]) -> Iterator[Exercise]:
    """The closed formula of a gradient, by the values of the forward pass."""
    for t in asked:
        made = formula_exercise(s, t)
        if made is not None:
            yield made


def formula_exercise(s: Subject, t: Tensor, answer: str = "") -> Exercise | None:
    """One closed formula, or None where it cannot be written on a line."""
    answer = answer or s.written(t) or ""
    loss, name = s.names[s.loss], s.names[t]
    form = "as a line of NumPy" if t.shape else "as a formula"
    by = _allowed(s, t)
    return _gradient(s, t, "formula", f"What is ∂{loss}/∂{name}, {form}?{by}", answer, False)


def _allowed(s: Subject, t: Tensor) -> str:
    if not t.shape and len(s.names) < 8:
        return ""
    mean = f"; N = {s.count}" if s.count > 1 else ""
    return f" (every value above may be named{mean})"


def codes(s: Subject, asked: list[Tensor]) -> Iterator[Exercise]:
    """The line of backward code of one value, from the gradients above it."""
    wanted = {*asked, *(t for t in s.made if t.dtype.kind == "f" and t in s.here.gradients)}
    for t in s.nodes:
        if t in wanted and t is not s.loss and t in s.names:
            made = code_exercise(s, t)
            if made is not None:
                yield made


def code_exercise(s: Subject, t: Tensor) -> Exercise | None:
    """One line of backward code, or None where there is none to write."""
    answer = s.line(t)
    name, readers = s.names[t], [n for n in s.made if any(i is t for i in n.inputs)]
    if not answer or answer.replace(".", "").replace("_g", "").isalnum():
        return None  # a mere copy
    if "np.broadcast_to" in answer or "np.full" in answer:
        return None  # many ways to say the same, none of them worth asking for
    by = " and ".join(
        f"{s.names[n]} = {s.operation(n)}" for n in readers if n in s.here.gradients
    )  # fmt: skip
    known = ", ".join(f"{s.names[n]}_g{_of(n)}" for n in readers if n in s.here.gradients)
    shape = f"shape {t.shape}, " if t.shape else ""
    question = f"Backward through {by}: {name}_g = ?  ({shape}from {known})"
    return _gradient(s, t, "code", question, answer, True)


def _of(n: Tensor) -> str:
    return f" {n.shape}" if n.shape else ""


def _gradient(
    s: Subject, t: Tensor, kind: str, question: str, answer: str, above: bool
) -> Exercise | None:
    if not answer:
        return None
    loss, name = s.names[s.loss], s.names[t]
    q = Question(
        f"∂{loss}/∂{name}", s.points, lambda p: p.gradients[t],
        lambda p: s.environment(p, gradients=above), lambda: slips(s, t), s.count,
        frozenset({f"{name}_g"}),
    )  # fmt: skip
    hints = (_rule(s, t), _factors(s, t), f"{name}_g = {answer}{_line(s, t)}")
    made = _formula(s, kind, question, q, answer, hints)
    return made if made.check(answer) else None  # what our own answer cannot be is not asked


def _rule(s: Subject, t: Tensor) -> str:
    readers = [n for n, wanted in steps_towards(s.nodes, (t,)) if any(i is t for i in n.inputs)]
    told = "; ".join(f"{n.op.name} {n.op.words}" for n in readers if n.op.words)
    return f"the chain rule: multiply the local gradients on the way from the result. {told}"


def _factors(s: Subject, t: Tensor) -> str:
    found = paths(s.loss, wrt=t, limit=MOST_PATHS)
    if found.listed is None:
        return f"{found.count:,} paths lead here: go backward node by node, and add where they meet"
    told = "local gradients: " + ", ".join(
        dict.fromkeys(_one(f) for p in found.listed for f in p.factors)
    )
    return told + (f"; {len(found)} paths, whose products add up" if len(found) > 1 else "")


def _one(f: Factor) -> str:
    return f"{f.symbol} = {f.formula}"


def _line(s: Subject, t: Tensor) -> str:
    found = paths(s.loss, wrt=t, limit=MOST_PATHS)
    if found.listed is None:
        return ""
    loss, name = s.names[s.loss], s.names[t]
    return f"\n  ∂{loss}/∂{name} = {' + '.join(p.symbols for p in found.listed)}\n        = " + (
        " + ".join(p.formulas for p in found.listed)
    )


MAKERS: dict[str, Callable[[Subject, list[Tensor]], Iterator[Exercise]]] = {
    "value": values, "local": locals_, "downstream": downstreams, "formula": formulas,
    "code": codes,
}  # fmt: skip


def _formula(
    s: Subject, kind: str, question: str, q: Question, answer: str, hints: tuple[str, ...]
) -> Exercise:
    def judge(text: str) -> Verdict:
        return judge_formula(q, text)

    return Exercise(question, kind, s.given(), answer, hints, judge)


def _number(
    s: Subject, kind: str, question: str, what: str, exact: Any, found: list[Slip],
    hints: tuple[str, ...], derivation: str, without: set[str] | None = None,
) -> Exercise:  # fmt: skip
    digits = DIGITS if abs(float(exact) - round(float(exact), 3)) > 1e-12 else 0
    asked = f" ({digits} significant digits)" if digits else ""
    q = Question(
        what, [s.here], lambda p: exact, s.environment, lambda: found, s.count,
        frozenset(without or ()),
    )  # fmt: skip

    def judge(text: str) -> Verdict:
        return judge_number(q, text, digits or 9)

    answer = number(exact, digits or 9)
    last = f"{what} = {derivation} = {answer}"
    return Exercise(f"{question}{asked}", kind, s.given(), answer, (*hints, last), judge)
