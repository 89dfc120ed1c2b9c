"""Run a stack forward and backward by the engine, and keep every number on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...eager.namespace import tensor
from ...eager.tensor import Tensor
from ...graph.errors import DataError, ShapeError, UsageError
from ...graph.spelling import told_type
from ...nn.losses import cross_entropy, loss_named
from .reading import Stack

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Forward:
    """The values of a forward pass. Rows are examples."""

    x: np.ndarray
    sums: Arrays  # Z of every layer: what goes into its neurons
    outputs: Arrays  # H of every layer: what comes out of them

    @property
    def y(self) -> np.ndarray:
        """The prediction."""
        return self.outputs[-1]

    def into(self, k: int) -> np.ndarray:
        """What layer `k`, counted from 0, is given."""
        return self.outputs[k - 1] if k else self.x


@dataclass(frozen=True, eq=False)
class Backward:
    """The gradients of the loss. Each has the shape of what it is a gradient of."""

    of_outputs: Arrays  # dL/dH
    deltas: Arrays  # dL/dZ
    slopes: tuple[np.ndarray | None, ...]  # σ′(Z); None where an output has several inputs
    weights: Arrays
    biases: tuple[np.ndarray | None, ...]
    x: np.ndarray


@dataclass(frozen=True, eq=False)
class Learning:
    """One step of gradient descent: the pass before it, its gradients, the pass after it."""

    stack: Stack
    target: np.ndarray
    loss_of: Callable
    forward: Forward
    loss: float
    backward: Backward
    lr: float
    weights: Arrays  # after the step
    biases: tuple[np.ndarray | None, ...]
    after: Forward
    loss_after: float


def inputs_of(stack: Stack, x: Any, asked: str) -> np.ndarray:
    """`x` as rows of examples, in the dtype of the model.

    Raises: ShapeError, DataError (no numbers).
    """
    if x is None:
        raise UsageError(f"{asked}: x=None; give an example, {stack.sizes[0]} numbers")
    array = _array(x, asked, "x")
    array = array.reshape(1, -1) if array.ndim < 2 else array.reshape(len(array), -1)
    if array.shape[1] != stack.sizes[0] or not len(array):
        raise ShapeError(
            f"{asked}: x has shape {np.shape(x)}; the model takes {stack.sizes[0]} numbers an "
            f"example: give ({stack.sizes[0]},) or (N, {stack.sizes[0]})"
        )
    return array.astype(stack.dtype)


def _array(x: Any, asked: str, name: str) -> np.ndarray:
    try:
        array = np.asarray(x.value if isinstance(x, Tensor) else x)
    except ValueError:
        raise ShapeError(f"{asked}: the rows of {name} have different lengths") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{asked}: {name} is of {array.dtype}; give real numbers")
    return array


def target_of(y: Any, prediction: np.ndarray, single: bool, loss: Callable, asked: str) -> Any:
    """The target in the form that the loss takes: of one example also without its first axis."""
    if y is None:
        raise UsageError(f"{asked}: y=None; give the target, so that there is a loss")
    array = _array(y, asked, "y")
    if single and array.shape == prediction.shape[1:]:
        array = array[None]
    elif single and array.ndim == 0:
        array = array.reshape(prediction.shape if loss is not cross_entropy else 1)
    elif not single and array.ndim == 1 and prediction.shape == (len(array), 1):
        array = array[:, None] if loss is not cross_entropy else array
    if loss is cross_entropy and array.dtype.kind in "biu":
        return array.astype(np.int64)
    return array.astype(prediction.dtype)


def forward_of(stack: Stack, x: np.ndarray) -> Forward:
    """The forward pass alone."""
    made = _numbers(_run(stack, tensor(x), *_parameters(stack)), x)
    if stack.learns:
        return made
    return Forward(x, made.sums, tuple((z > 0).astype(z.dtype) for z in made.sums))


def learning(stack: Stack, x: Any, y: Any, loss: Any, lr: float, asked: str) -> Learning:
    """One step of gradient descent of the stack on (x, y), every number from the engine.

    Raises: ShapeError, UsageError (a gate that has no slope, a rate that is no number).
    """
    if not stack.learns:
        raise UsageError(
            f"{asked}: a Perceptron answers 0 or 1 and has no gradient to go back; see "
            f"cr.pictures.perceptron(points, labels)"
        )
    if isinstance(lr, bool) or not isinstance(lr, (int, float)) or not np.isfinite(lr):
        raise UsageError(f"{asked}: lr={lr!r}; give a finite number")
    loss_of = loss_named(loss)
    rows = inputs_of(stack, x, asked)
    given = tensor(rows)
    weights, biases = _parameters(stack)
    with np.errstate(all="ignore"):
        sums, outputs = _run(stack, given, weights, biases)
        first = _numbers((sums, outputs), rows)
        target = target_of(y, first.y, np.ndim(x) < 2, loss_of, asked)
        value = _loss(loss_of, outputs[-1], target, asked)
        value.backward()
        back = Backward(
            tuple(map(_grad, outputs)), tuple(map(_grad, sums)),
            tuple(one.bend.slopes(z) for one, z in zip(stack.layers, first.sums, strict=True)),
            tuple(map(_grad, weights)), tuple(None if b is None else _grad(b) for b in biases),
            _grad(given),
        )  # fmt: skip
        rate = np.asarray(lr, stack.dtype)
        moved = tuple(w.value - rate * g for w, g in zip(weights, back.weights, strict=True))
        moved_b = tuple(
            None if b is None else b.value - rate * g
            for b, g in zip(biases, back.biases, strict=True)
        )
        again = _run(stack, tensor(rows), _tensors(moved), _tensors(moved_b))
        loss_after = _loss(loss_of, again[1][-1], target, asked).item()
    return Learning(
        stack, target, loss_of, first, value.item(), back, float(lr), moved, moved_b,
        _numbers(again, rows), loss_after,
    )  # fmt: skip


def _tensors(arrays: Sequence[Any]) -> list:
    return [None if a is None else tensor(a) for a in arrays]


def _parameters(stack: Stack) -> tuple[list, list]:
    weights = _tensors([one.weight for one in stack.layers])
    return weights, _tensors([one.bias for one in stack.layers])


def _run(stack: Stack, h: Any, weights: Sequence[Any], biases: Sequence[Any]) -> tuple:
    sums, outputs = [], []
    with np.errstate(all="ignore"):
        for one, w, b in zip(stack.layers, weights, biases, strict=True):
            z = one.affine(h, w, b)
            h = one.bend.function(z)
            sums.append(z)
            outputs.append(h)
    return sums, outputs


def _numbers(made: tuple, x: np.ndarray) -> Forward:
    sums, outputs = made
    values, answers = (tuple(np.array(t.value) for t in part) for part in (sums, outputs))
    return Forward(x, values, answers)


def _loss(loss_of: Callable, prediction: Tensor, target: np.ndarray, asked: str) -> Tensor:
    value = loss_of(prediction, target)
    if type(value) is not Tensor:
        raise UsageError(
            f"{asked}: the loss gave {told_type(value)} that does not come from the "
            "prediction; return a number computed with chainrule's functions"
        )
    return value


def _grad(t: Tensor) -> np.ndarray:
    return np.zeros(t.shape, t.dtype) if t.grad is None else t.grad
