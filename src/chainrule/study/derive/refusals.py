"""What `derive` refuses, in words: what was asked, what was found, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...graph.caller import Place, caller, made_at
from ...graph.chain import where_the_path_breaks
from ...graph.errors import DTypeError, PathError, ScalarError, UsageError
from ...graph.node import Node
from ...graph.spelling import told_type
from ...graph.walk import Graph, order

FORMS = ("scalar", "index", "matrix")
MOST = 60  # steps between a leaf and the loss that still are a derivation one can read


def one_number(loss: Any) -> Any:
    """The loss as something that remembers how it was made; anything else is refused."""
    if isinstance(loss, Graph):
        if len(loss.outputs) != 1:
            raise UsageError(
                f"derive: the graph has {len(loss.outputs)} outputs; give one with the loss only"
            )
        loss = loss.outputs[0]
    if not hasattr(loss, "inputs") or not hasattr(loss, "op"):
        raise UsageError(
            f"derive: of {told_type(loss)}, which does not remember how it was made; give a "
            "tensor computed from chainrule.tensor(...), or cr.capture(f, ...)"
        )
    if loss.dtype.kind != "f":
        raise DTypeError(
            f"derive: of {loss.dtype} {loss.shape}; only floats have gradients: end in a float loss"
            f"{_line(loss)}"
        )
    if loss.size != 1:
        raise ScalarError(
            f"derive: of {loss.op}, shape {loss.shape}; a gradient starts from one number: take "
            f"cr.sum or cr.mean of it{_line(loss)}"
        )
    return loss


def known_form(form: Any) -> None:
    """None, or one of the forms there are."""
    if form is not None and form not in FORMS:
        raise UsageError(
            f"derive: form={form!r}; use one of {', '.join(map(repr, FORMS))}, or None for the one "
            "that fits"
        )


def on_the_path(loss: Any, wrt: Any) -> list[Any]:
    """What gradients are asked of, each a float that the loss depends on."""
    found = order((loss,))
    if wrt is None:
        wrt = [n for n in found if not n.inputs and n.dtype.kind == "f" and _is_given(n)]
        if not wrt:
            raise PathError(
                f"derive: the loss was computed from constants only; give it a tensor made with "
                f"chainrule.tensor(...){_line(loss)}"
            )
    wrt = list(wrt) if isinstance(wrt, Sequence) else [wrt]
    if not wrt:
        raise UsageError("derive: wrt is empty; give a tensor, or a list of them")
    for k, w in enumerate(wrt):
        _refuse(loss, found, w, getattr(w, "name", None) or f"wrt[{k}]")
    return list(dict.fromkeys(wrt))


def _is_given(n: Any) -> bool:
    return n.op.name in ("given", "watched", "input")


def _refuse(loss: Any, found: list, w: Any, what: str) -> None:
    if not hasattr(w, "op") or not hasattr(w, "inputs"):
        raise UsageError(
            f"derive: wrt holds {told_type(w)}; give tensors, made with chainrule.tensor(...)"
        )
    if w.dtype.kind != "f":
        raise DTypeError(
            f"derive: with respect to {what}, which is {w.dtype} {w.shape}; only floats have "
            f"gradients: make it with {what}.astype(float)"
        )
    if w is loss:
        raise PathError(
            f"derive: with respect to {what}, which is the loss itself: the derivative is 1, and "
            "there is nothing to derive; give a leaf"
        )
    if w not in set(found):
        there = ", ".join(n.name for n in found if not n.inputs and n.name) or "no named leaf"
        raise PathError(
            f"derive: the loss does not depend on {what}; it was computed from {there}{_line(loss)}"
        )
    broken = where_the_path_breaks_of(found, w, loss)
    if broken is not None:
        raise PathError(
            f"derive: no gradient reaches {what}: {broken.op} lets none through; take it out of "
            f"the way, or give another leaf{_line(broken)}"
        )


def where_the_path_breaks_of(found: list, w: Any, loss: Any) -> Any:
    """The node that lets no gradient through between `w` and the loss, or None."""
    from ...graph.chain import on_path

    return None if loss in on_path(found, w) else where_the_path_breaks(found, w)


def not_too_large(steps: int, leaves: int, loss: Any, fold: bool) -> None:
    """A derivation of hundreds of steps helps nobody: it is refused, with its size."""
    if steps <= MOST:
        return
    advice = (
        "derive a part of it, or name fewer values" if fold else
        "write fold=True, which keeps everything between named values closed (name them with "
        '.named("h")), or derive a part of it'
    )  # fmt: skip
    raise UsageError(
        f"derive: {steps} steps lie between the loss and what its gradient is asked of, and "
        f"{MOST} are as many as a page holds; {advice}{_line(loss)}"
    )


def impossible_form(form: str, what: str, instead: str, place: Place | None) -> UsageError:
    """The error for a form that these values cannot be written in."""
    return UsageError(f'derive: form="{form}": {what}; {instead}{made_at(place or caller(2))}')


def _line(n: Any) -> str:
    place = n.line if isinstance(n, Node) or hasattr(n, "line") else None
    return made_at(place or caller(3))
