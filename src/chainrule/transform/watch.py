"""Arguments under observation: what a transform puts in their place, and gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..eager.tensor import FIXED, GIVEN, WATCHED, Tensor, as_tensor, leaf
from ..graph.coerce import refuse_complex
from ..graph.errors import DTypeError, PathError, UsageError
from ..graph.node import Node, as_node
from ..graph.op import ByIdentity, Op, Spec
from ..graph.operators import FUNCTIONS
from ..graph.spelling import told_type
from ..ops import positive
from .trees import tree_flatten, tree_names, tree_unflatten


class Alias(ByIdentity, Op):
    """The value itself under a new identity: what an inner transform differentiates by."""

    latex, binds = "#1", 4
    words = "passes the upstream gradient on"

    def forward(self, xp, x):
        return x

    def spec(self, x):
        return x

    def grad(self, g, y, x):
        return (g,)

    def push(self, ts, y, xs):
        return ts[0]


class Linked(Op):
    """The first value, as a function of the second that does not vary with it."""

    latex, binds = "#1", 4
    words = "passes the gradient on to the value; the other operand does not change it"

    def forward(self, xp, y, x):
        return y

    def spec(self, y, x):
        return y

    def grad(self, g, z, y, x):
        return (g, None)

    def push(self, ts, y, xs):
        return ts[0]


linked = Linked()


def function(asked: str, f: Any) -> Any:
    """`f`, if it can be called; otherwise the error that says what was handed."""
    if not callable(f):
        raise UsageError(f"{asked}: of {f!r}, which is {told_type(f)}; give a function")
    return f


@dataclass
class Arguments:
    """The leaves of some arguments, as tensors (or nodes) of their own to differentiate by."""

    given: list[Any]
    watched: list[Any]
    structure: Any
    asked: str
    linked: bool = False  # some leaf has a history of its own, which a gradient can go on through

    @classmethod
    def of(cls, tree: Any, asked: str) -> Arguments:
        """Put the leaves of `tree` under observation for the transform called `asked`."""
        leaves, structure = tree_flatten(tree)
        watched = [_watch(x, tree, k, asked) for k, x in enumerate(leaves)]
        linked = any([type(w.op) is Alias for w in watched])
        return cls(leaves, watched, structure, asked, linked)

    @property
    def tree(self) -> Any:
        """The arguments with the watched leaves in place."""
        return tree_unflatten(self.structure, self.watched)

    def apply(self, f: Callable[[Any], Any]) -> tuple[Any, Arguments]:
        """`f` of the watched tree, and the arguments that it was watched by.

        A function that reads a node of an outer trace returns a node, in which our tensors
        would count as constants: it is traced again, with nodes in their place.
        """
        with np.errstate(all="ignore"):  # not finite is named when asked: see chainrule.finite
            found = f(self.tree)
            self._release()
            if type(found) is Tensor or not self._lost_in(found):
                return found, self
            nodes = [
                w if type(w) is Node else Node(Alias(), (as_node(_as_float(x)),))
                for w, x in zip(self.watched, self.given, strict=True)
            ]
            traced = Arguments(self.given, nodes, self.structure, self.asked, True)
            return f(traced.tree), traced

    def _release(self) -> None:
        # From here on nobody but us asks for these leaves. To an outer transform, which may find
        # them on its path, they are constants, or only a step further from what it asks for.
        for w in self.watched:
            if type(w) is Tensor:
                w.op = positive if w.inputs else FIXED

    def _lost_in(self, found: Any) -> bool:
        tensors = any(type(w) is Tensor for w in self.watched)
        return tensors and any(type(y) is Node for y in tree_flatten(found)[0])

    def wrap(self, gradients: list[Any]) -> Any:
        """Gradients in the arguments' structure, each of the kind that was handed in."""
        made = [handed(d, x) for d, x in zip(gradients, self.given, strict=True)]
        return tree_unflatten(self.structure, owned(made))

    @property
    def any_tensor(self) -> bool:
        """Whether any leaf was handed in as a tensor."""
        return Tensor in set(map(type, self.given))


def _watch(x: Any, tree: Any, place: int, asked: str) -> Any:
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return Tensor(x, WATCHED)
    if type(x) is Node:
        if x.weak and x.dtype.kind == "i":  # a Python int, which counts as a float
            x = FUNCTIONS["astype"](x, np.float64)
        if x.dtype.kind != "f":
            raise _not_float(x, tree, place, asked)
        return Node(Alias(), (x,))
    if type(x) is Tensor:
        if x.dtype.kind != "f":
            raise _not_float(x, tree, place, asked)
        if x.op is GIVEN or x.op is FIXED:
            return leaf(x._value, WATCHED, x.name)
        return Tensor(x._value, Alias(), (x,), x.line)
    if isinstance(x, (bool, int, float)):
        return leaf(np.asarray(x, np.float64), WATCHED)
    value = np.asarray(x)
    refuse_complex(value.dtype)
    if value.dtype.kind not in "biuf":
        found = value.dtype if value.ndim else type(x).__name__
        raise DTypeError(
            f"{asked}: argument{tree_names(tree)[place]} is {found}, which holds no numbers; give "
            "arrays, or name another argument with argnums (a class of layers is marked with "
            "@chainrule.nn.layer)"
        )
    if value.dtype.kind != "f":
        raise _not_float(value, tree, place, asked)
    return leaf(value, WATCHED)


def _as_float(x: Any) -> Any:
    """A Python number as one of those that have gradients."""
    return float(x) if isinstance(x, (bool, int)) else x


def _not_float(x: Any, tree: Any, place: int, asked: str) -> DTypeError:
    return DTypeError(
        f"{asked}: argument{tree_names(tree)[place]} is {x.dtype} {x.shape}; only floats have "
        "gradients: pass x.astype(float), or name another argument with argnums"
    )


def handed(d: Any, x: Any) -> Any:
    """A result as what the argument was: a tensor for a tensor, an array for an array."""
    if isinstance(d, (Tensor, Node)):
        return d
    if type(x) is Tensor:
        return leaf(np.asarray(d))
    return d if type(d) is np.ndarray and d.ndim else np.asarray(d)[()]


def released(y: Any, arguments: Arguments) -> Any:
    """What a function returned, without its history, and with memory of its own."""
    if type(y) is not Tensor:
        return y
    if arguments.any_tensor:
        return leaf(y._value)
    value = handed(y._value, None)
    if not isinstance(value, np.ndarray):
        return value
    mine = [x for x in arguments.given if isinstance(x, np.ndarray)]
    return owned([*mine, value])[-1]


def owned(arrays: list[Any]) -> list[Any]:
    """The arrays, each with memory of its own: writing to one must change nothing else."""
    seen: set[int] = set()
    for k, d in enumerate(arrays):
        if type(d) is np.ndarray:
            if d.base is not None or id(d) in seen or not d.flags.writeable:
                arrays[k] = d = np.array(d, order="C")
            seen.add(id(d))
    return arrays


def output(y: Any, arguments: Arguments) -> Any:
    """What a function returned, as a tensor or node that can be differentiated."""
    if isinstance(y, (Tensor, Node)):
        return y
    if any(isinstance(x, (Tensor, Node)) for x in tree_flatten(y)[0]):
        raise UsageError(
            f"{arguments.asked}: the function returned {told_type(y)}; it must return one "
            "array: take cr.jacobian for several, or has_aux=True for a value and something else"
        )
    found = np.asarray(y) if np.ndim(y) == 0 or isinstance(y, np.ndarray) else None
    what = f"a constant of shape {found.shape}" if found is not None else type(y).__name__
    raise PathError(
        f"{arguments.asked}: the function returned {what}, which does not depend on its argument; "
        "it left the graph on the way: float(), .item(), .value and np.asarray do that"
    )


def is_outer(nodes: list, arguments: Arguments) -> bool:
    """Whether an outer transform, or history, lies behind what is differentiated here."""
    return arguments.linked or any([n.op is WATCHED or type(n.op) is Alias for n in nodes])


def spec_of(x: Any) -> Spec:
    """Shape and dtype of any leaf."""
    x = x if hasattr(x, "dtype") else as_tensor(x)
    return Spec(tuple(x.shape), np.dtype(x.dtype))
