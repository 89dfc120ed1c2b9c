"""What a network is asked for: one of two classes, one of several, or a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...nn.losses import binary_cross_entropy_with_logits, cross_entropy
from ...study.recording import Recording

BINS = 5  # of a target that is a number, each with its own colour and size


@dataclass(frozen=True, eq=False)
class Answers:
    """How outputs are read, and which group each example belongs to."""

    kind: str  # "two", "classes" or "number"
    labels: tuple[str, ...]  # of the groups
    group: np.ndarray  # (n,) the group of each example
    logits: bool = False
    middle: float = 0.5  # of one output: where neither class is ahead, or half of the way
    half: float = 0.5  # and how far it is from there to either end

    def read(self, output: np.ndarray) -> np.ndarray:
        """Outputs as numbers from -1 to 1, (n,), or as the shares of classes, (n, classes)."""
        output = np.nan_to_num(np.asarray(output, float))
        if output.ndim > 1 and (self.kind == "classes" or self._pair(output)):
            e = np.exp(output - output.max(-1, keepdims=True)) if self.logits else output
            part = e / np.maximum(e.sum(-1, keepdims=True), 1e-12)
            return part if self.kind == "classes" else 2 * part[:, 1] - 1
        one = output.reshape(len(output), -1)[:, 0]
        if self.logits:
            return np.tanh(one / 2)  # 2σ(z) - 1
        return np.clip((one - self.middle) / self.half, -1.5, 1.5)

    def _pair(self, output: np.ndarray) -> bool:
        return self.kind == "two" and output.shape[-1] == 2

    def right(self, output: np.ndarray) -> float:
        """The share of the examples that are put into their own class."""
        said = self.read(output)
        chosen = said.argmax(-1) if said.ndim > 1 else (said > 0).astype(int)
        return float(np.mean(chosen == self.group))


def answers(recording: Recording, outputs: np.ndarray, names: tuple[str, ...] = ()) -> Answers:
    """How to read the outputs of a recorded network, from its targets and its loss."""
    y, loss = recording.y, recording.loss
    wide = outputs.shape[-1] if outputs.ndim > 1 else 1
    if loss is cross_entropy or (wide > 1 and y.ndim == 1 and y.dtype.kind in "iub"):
        labels = y if y.ndim == 1 else y.argmax(-1)
        names = names or tuple(f"class {k}" if wide < 5 else str(k) for k in range(wide))
        kind = "two" if wide == 2 else "classes"
        return Answers(kind, names, labels.astype(int), loss is cross_entropy or _negative(outputs))
    flat = y.reshape(len(y), -1)[:, 0].astype(float)
    values = np.unique(flat)
    if wide == 1 and len(values) == 2:
        low, high = map(float, values)
        named = names or tuple(f"class {v:g}" for v in values)
        logits = loss is binary_cross_entropy_with_logits
        group = (flat == high).astype(int)
        return Answers("two", named, group, logits, (low + high) / 2, (high - low) / 2)
    low, high = (float(v) for v in np.quantile(flat, [0.02, 0.98]))
    edges = np.linspace(low, high, BINS + 1)[1:-1]
    ends = ("lowest fifth of the range", "", "", "", "highest")
    return Answers("number", ends, np.searchsorted(edges, flat), False, (low + high) / 2,
                   (high - low) / 2 or 1.0)  # fmt: skip


def _negative(outputs: np.ndarray) -> bool:
    return bool(np.any(outputs < 0))
