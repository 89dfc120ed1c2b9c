"""Data fitted to a model: targets in the shape it answers in, or the error that says why not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.errors import AxisError, DataError, DTypeError, ScalarError, ShapeError, UsageError
from ..nn.losses import cross_entropy
from .batches import Examples
from .checks import check_classes, check_targets
from .data.sources import Stream, source, split
from .refusals import asked
from .run import Run
from .weighting import checked, of_classes, takes_weights


def examples(
    run: Run, X: Any, y: Any, weight: Any = None, class_weight: Any = None, name: str = "y"
) -> Any:
    """Examples for this run, or a Stream of batches, checked against its model and loss.

    `name` is what the targets are called in messages.
    Raises: DataError, ShapeError, DTypeError, UsageError, before anything is trained.
    """
    found = source(X, y, run.dtype)
    if isinstance(found, Stream):
        if weight is not None or class_weight is not None:
            raise UsageError("fit: batches have no weights; give arrays, or weigh in the loss")
        return found.retargeted(_fitted(run, *found.first, "the first batch", lambda *_: None))
    count = len(found)
    if not count:
        return Examples(found)
    x, t = found.take(np.arange(1))
    told = f"X {found.shape} and y {(count, *t.shape[1:])}"

    def check(change: Any, outputs: tuple[int, ...]) -> None:
        check_targets(name, Examples(found.retargeted(change)), run.loss, outputs)

    fitted = Examples(found.retargeted(_fitted(run, x, t, told, check)))
    if weight is not None or class_weight is not None:
        _weigh(run, fitted, weight, class_weight)
    return fitted


def _weigh(run: Run, fitted: Examples, weight: Any, class_weight: Any) -> None:
    if not takes_weights(run.loss):
        raise UsageError(
            "fit: with weights the loss must give one number an example: let it take "
            "reduction='none', as those of chainrule.nn.losses do"
        )
    count = len(fitted)
    total = np.ones(count)
    if weight is not None:
        fitted.counted = checked("sample_weight", weight, count, run.dtype)
        total = fitted.counted.astype(np.float64)
    if class_weight is not None:
        total = total * of_classes(class_weight, class_numbers(fitted))
    fitted.weight = checked("the weights", total, count, run.dtype)


def class_numbers(fitted: Examples) -> np.ndarray:
    """The classes of the examples.

    Raises: UsageError where the targets are no classes.
    """
    t = fitted.targets()
    found = t.reshape(-1) if t.shape == (len(t), 1) else t
    if found.ndim != 1 or (found.dtype.kind == "f" and np.any(found % 1)):
        raise UsageError(
            f"fit: classes are whole numbers, one an example, and the targets are {t.dtype} "
            f"{t.shape}"
        )
    return found.astype(np.int64) if found.dtype.kind == "f" else found


def _fitted(run: Run, x: np.ndarray, t: np.ndarray, told: str, check: Callable) -> Any:
    """What brings targets into the shape the model answers in, tried on the first example."""
    try:
        made = asked(run.model(run.params), x[:1])
        shape = getattr(made, "shape", None)
        if shape is None:
            raise UsageError(
                f"fit: the model returned {type(made).__name__}; it must return one array"
            )
        change = _change(run, tuple(shape), t)
        check(change, tuple(shape))
        cost = asked(run.loss, made, change(t[:1]))
        if np.shape(cost) != ():
            raise ScalarError(
                f"fit: the loss has shape {np.shape(cost)}; it must be one number: take cr.mean "
                f"of it"
            )
    except (ShapeError, AxisError, DTypeError, UsageError) as error:
        found, at, line = str(error).partition("\n  made at ")
        raise type(error)(f"{found}\n  seen on the first example of {told}{at}{line}") from None
    return change


def _change(run: Run, shape: tuple[int, ...], t: np.ndarray) -> Any:
    classes = len(shape) == t.ndim + 1 and shape[-1] > 1
    numbers = t.dtype.kind in "iub" and not classes and run.loss is not cross_entropy
    column = shape == (1, 1) and t.ndim == 1 and run.loss is not cross_entropy
    dtype = run.dtype

    def change(t: np.ndarray) -> np.ndarray:
        t = t.astype(dtype) if numbers else t
        return t[:, None] if column else t

    return change


def parts(
    run: Run, data: Any, validation: Any, drawn_by: Callable[[], np.random.Generator]
) -> tuple[Any, Any]:
    """The examples to train on, and the held-out ones or None; a share is drawn by `drawn_by()`."""
    held_out = None
    if isinstance(validation, (tuple, list)) and len(validation) in (2, 3):
        if len(validation) == 3 and np.ndim(validation[2]) != 1:
            raise UsageError("fit: validation is (X, y), or (X, y, weights), one an example")
        held_out = examples(run, *validation, name="the y of validation")
        _alike(data, held_out)
    elif validation is not None:
        if isinstance(data, Stream):
            raise UsageError("fit: of batches no share can be held out; give validation=(X, y)")
        data, held_out = split(data, validation, drawn_by())
    for what, some in (("train on", data), ("validate with", held_out)):
        if some is not None and not isinstance(some, Stream) and not len(some):
            raise DataError(f"fit: no examples to {what}")
    check_classes(data, held_out, run.loss)
    return data, held_out


def _alike(data: Any, held_out: Any) -> None:
    if isinstance(held_out, Stream) or not len(held_out):
        return
    shapes = held_out.source.take(np.arange(1))[0].shape[1:], _shape(data)
    if shapes[0] != shapes[1]:
        raise ShapeError(f"fit: examples are {shapes[1]}, those of validation {shapes[0]}")


def _shape(data: Any) -> tuple[int, ...]:
    if isinstance(data, Stream):
        return data.first[0].shape[1:]
    return data.source.take(np.arange(1))[0].shape[1:] if len(data) else ()
