"""Read a model as a stack of fully connected layers, whoever wrote it and however."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...eager.tensor import Tensor
from ...graph.errors import ShapeError, UsageError
from ...graph.spelling import told_type
from ...nn import Dropout, Flatten, Identity, Linear, Module, Perceptron, Sequential
from ...ops.linear import linear
from .bends import IDENTITY, Bend, after, bend_of

MADE_FOR = "use cr.draw(model, x, style='graph'), which draws any computation"


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights, biases, and what is done to the weighted sums."""

    weight: np.ndarray  # as its owner keeps it
    bias: np.ndarray | None
    affine: Callable[[Any, Any, Any], Any]  # (x, weight, bias) → weighted sums
    bend: Bend
    place: str  # where it stands in the model


@dataclass(frozen=True, eq=False)
class Stack:
    """A multilayer perceptron."""

    layers: tuple[Layer, ...]
    out_by_in: bool  # a row of the weights for every neuron, as nn.Linear has it
    learns: bool = True  # False: a gate that is 0 or 1 has no slope to learn by

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs, then of neurons in every layer."""
        ends = [x.weight.shape if self.out_by_in else x.weight.shape[::-1] for x in self.layers]
        return (ends[0][1], *(out for out, _ in ends))

    @property
    def dtype(self) -> np.dtype:
        """The dtype that the model computes in."""
        return self.layers[0].weight.dtype

    @property
    def count(self) -> int:
        """How many numbers are learned."""
        biases = sum(x.bias.size for x in self.layers if x.bias is not None)
        return biases + sum(x.weight.size for x in self.layers)


def stack(model: Any, asked: str) -> Stack:
    """The layers of `model`: a Sequential, a layer, or a list such as [w1, b1, cr.tanh, w2].

    Shapes: in a list weights are (in, out), as in x @ w; in a layer (out, in).
    Raises: UsageError that names what has no picture here; ShapeError.
    """
    if isinstance(model, Stack):
        return model
    if isinstance(model, Perceptron):
        return _of_perceptron(model)
    if isinstance(model, (list, tuple)):
        made = Stack(tuple(_of_list(model, asked)), out_by_in=False)
    elif isinstance(model, Module):
        made = Stack(tuple(_of_modules(model, asked)), out_by_in=True)
    else:
        raise UsageError(
            f"{asked}: of {told_type(model)}; give nn.Sequential(nn.Linear(...), nn.Tanh(), "
            f"...), or a list of arrays and functions such as [w1, b1, cr.tanh, w2, b2]"
        )
    _chained(made, asked)
    return made


def _flat(model: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(model, Sequential):
        for k, one in enumerate(model):
            yield from _flat(one, f"{place}{k}.")
    else:
        yield place.rstrip("."), model


def _of_modules(model: Module, asked: str) -> list[Layer]:
    made: list[Layer] = []
    seen: set[int] = set()
    for place, one in _flat(model):
        if isinstance(one, Linear):
            if id(one) in seen:
                raise UsageError(
                    f"{asked}: layer {place} stands in the model twice; shared weights have no "
                    f"picture as an MLP; {MADE_FOR}"
                )
            seen.add(id(one))
            bias = None if one.bias is None else one.bias.value
            made.append(Layer(one.weight.value, bias, _linear(one), IDENTITY, place))
        elif isinstance(one, (Identity, Dropout)) or (isinstance(one, Flatten) and not made):
            continue  # in evaluation these pass on what they get; of rows, Flatten too
        elif made and (bend := bend_of(one)) is not None:
            made[-1] = _bent(made[-1], bend)
        else:
            what = repr(one).split("\n")[0]
            where = f"layer {place}, {what}," if place else what
            why = "stands before the first Linear and" if bend_of(one) else ""
            raise UsageError(
                f"{asked}: {where} {why + ' ' if why else ''}has no picture as an MLP, which is "
                f"Linear layers and activations; {MADE_FOR}"
            )
    return made


def _linear(one: Linear) -> Callable:
    def affine(x: Any, weight: Any, bias: Any) -> Any:
        return one.replace(weight=weight, bias=bias)(x)

    return affine


def _product(x: Any, weight: Any, bias: Any) -> Any:
    return x @ weight if bias is None else x @ weight + bias


def _of_list(parts: Sequence[Any], asked: str) -> list[Layer]:
    flat = [p for part in parts for p in (part if isinstance(part, (list, tuple)) and len(part) == 2
            and all(hasattr(p, "shape") for p in part) else (part,))]  # fmt: skip
    made: list[Layer] = []
    for k, part in enumerate(flat):
        if isinstance(part, Module) or (callable(part) and not isinstance(part, Tensor)):
            bend = bend_of(part) if made else None
            if bend is None:
                raise UsageError(f"{asked}: part {k} of the list, {part!r}, is no activation that "
                                 f"follows weights; give arrays and functions")  # fmt: skip
            made[-1] = _bent(made[-1], bend)
            continue
        array = _floats(part, asked, k)
        if array.ndim == 2:
            made.append(Layer(array, None, _product, IDENTITY, str(k)))
        elif array.ndim == 1 and made and made[-1].bias is None and not made[-1].bend.sign:
            made[-1] = Layer(made[-1].weight, array, _product, IDENTITY, made[-1].place)
        else:
            raise ShapeError(
                f"{asked}: part {k} of the list has shape {array.shape}; weights are (in, out), "
                "and a bias (out,) follows its weights"
            )
    return made


def _floats(part: Any, asked: str, k: int) -> np.ndarray:
    try:
        array = np.asarray(part.value if isinstance(part, Tensor) else part)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise UsageError(f"{asked}: part {k} of the list is no array of real numbers")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _of_perceptron(model: Perceptron) -> Stack:
    bend = Bend("step", lambda z: z)
    weight = model.weight.value[None, :]
    one = Layer(weight, model.bias.value[None], linear, bend, "")
    return Stack((one,), out_by_in=True, learns=False)


def _bent(one: Layer, bend: Bend) -> Layer:
    """The layer with one more function after it."""
    if one.bend.sign:
        sign = f"{bend.sign}∘{one.bend.sign}"
        bend = Bend(sign, after(bend.function, one.bend.function))
    return Layer(one.weight, one.bias, one.affine, bend, one.place)


def _chained(made: Stack, asked: str) -> None:
    if not made.layers:
        raise UsageError(f"{asked}: the model has no Linear layer; {MADE_FOR}")
    sizes = [x.weight.shape if made.out_by_in else x.weight.shape[::-1] for x in made.layers]
    for one, (out, inputs), before in zip(made.layers, sizes, [None, *sizes], strict=False):
        if before is not None and before[0] != inputs:
            raise ShapeError(
                f"{asked}: the weights at {one.place} are {one.weight.shape} and take {inputs} "
                f"numbers, but the layer before gives {before[0]}"
            )
        if one.bias is not None and one.bias.shape != (out,):
            raise ShapeError(
                f"{asked}: the bias after the weights at {one.place} is {one.bias.shape}; "
                f"one number for each of the {out} neurons"
            )
