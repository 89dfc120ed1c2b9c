"""A model's answers to examples, as machine code: what judges them in every epoch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ChainruleError
from ..nn.mode import named_layers
from .batches import Examples
from .metrics.judging import BATCH
from .native import NativeEpochs
from .stepping import worth_answering


class Answers:
    """A model's answers as machine code, in batches of one size; op by op where it cannot be."""

    def __init__(self, native: NativeEpochs, size: int):
        self.native, self.size, self.compiled = native, size, True

    def __call__(self, x: np.ndarray) -> Any:
        run = self.native.run
        if self.compiled:
            more = np.repeat(x[-1:], self.size - len(x), axis=0)
            whole = np.concatenate([x, more]) if len(more) else x
            try:
                return self.native.stepper.answers(run.params, whole)[: len(x)]
            except ChainruleError:  # eagerly it says what is wrong, if something is
                self.compiled = False
        return run.model(run.params)(x)


def answers(native: NativeEpochs | None, data: Any, epochs: int) -> Answers | None:
    """What judges these examples in every epoch, where compiling it pays.

    A model with running statistics is another one after every step, so it is judged op by op.
    """
    if native is None or not isinstance(data, Examples) or not len(data):
        return None
    run = native.run
    layers = named_layers(run.model(run.params))
    if any(hasattr(layer, "moved") for _, layer in layers):
        return None
    parts = -(-len(data) // BATCH)
    size = -(-len(data) // parts)
    work = native.work * size // (3 * native.size)
    return Answers(native, size) if worth_answering(epochs * parts, work) else None
