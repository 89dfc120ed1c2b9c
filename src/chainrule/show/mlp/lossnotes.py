"""What is said of a loss: its formula, its slope, both with the numbers of this example.

A formula is shown only where it gives the engine's own number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .notation import bracketed, said
from .passes import Learning


@dataclass(frozen=True)
class Formula:
    """One way to write a loss, element by element."""

    text: str
    value: Callable[[Any, Any], Any]
    slope: str
    slope_of: Callable[[Any, Any], Any]
    numbers: Callable[[float, float], tuple[str, str]]  # both, for one output


def _difference(factor: str, power: str) -> Callable[[float, float], tuple[str, str]]:
    def told(y: float, t: float) -> tuple[str, str]:
        inside = f"({said(y)} − {bracketed(t)})"
        return f"{power[0]}{inside}{power[1:]}".replace("_", ""), f"{factor}{inside}"

    return told


def _entropy(y: float, t: float) -> tuple[str, str]:
    if t == 1:
        return f"−ln {said(y)}", f"−1/{said(y)}"
    if t == 0:
        return f"−ln(1 − {said(y)})", f"1/(1 − {said(y)})"
    return (
        f"−[{said(t)}·ln {said(y)} + {said(1 - t)}·ln {said(1 - y)}]",
        f"−{said(t)}/{said(y)} + {said(1 - t)}/{said(1 - y)}",
    )


def _of_logit(z: float, t: float) -> tuple[str, str]:
    share = said(1 / (1 + np.exp(-z)))
    return f"ln(1 + e^{bracketed(z)}) − {said(t)}·{bracketed(z)}", f"{share} − {said(t)}"


def _log_sum(z: Any) -> Any:
    top = z.max(-1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(-1, keepdims=True))


def shares_of(z: Any) -> Any:
    """softmax(z), row by row."""
    return np.exp(z - _log_sum(z))


def _sigmoid(z: Any) -> Any:
    return 0.5 + 0.5 * np.tanh(0.5 * z)


FORMULAS: dict[str, tuple[Formula, ...]] = {
    "mse": (
        Formula("(y − t)²", lambda y, t: (y - t) ** 2, "2(y − t)", lambda y, t: 2 * (y - t),
                _difference("2", "_²")),
        Formula("½(y − t)²", lambda y, t: 0.5 * (y - t) ** 2, "y − t", lambda y, t: y - t,
                _difference("", "½²")),
    ),
    "l1": (
        Formula("|y − t|", lambda y, t: abs(y - t), "sign(y − t)", lambda y, t: np.sign(y - t),
                _difference("sign", "_")),
    ),
    "binary_cross_entropy": (
        Formula("−[t·ln y + (1 − t)·ln(1 − y)]",
                lambda y, t: -(t * np.log(y) + (1 - t) * np.log(1 - y)),
                "−t/y + (1 − t)/(1 − y)", lambda y, t: -t / y + (1 - t) / (1 - y), _entropy),
    ),
    "binary_cross_entropy_with_logits": (
        Formula("ln(1 + eᶻ) − t·z", lambda z, t: np.logaddexp(0, z) - t * z,
                "σ(z) − t", lambda z, t: _sigmoid(z) - t, _of_logit),
    ),
    "cross_entropy": (
        Formula("−ln p of the right class, p = softmax(z)",
                lambda z, t: (_log_sum(z) - (z * t).sum(-1, keepdims=True)),
                "p − t", lambda z, t: shares_of(z) - t, lambda z, t: ("0", "0")),
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class LossTold:
    """A loss in words, and what of it is drawn beside the prediction."""

    name: str
    formula: str  # L = ..., or its name
    numbers: str  # the same with numbers; empty where there are too many
    slope: str  # dL/dY
    slope_numbers: str
    target: np.ndarray  # with a column for each output
    shares: np.ndarray | None  # what the loss itself makes of the prediction
    shares_by: str  # softmax or σ
    short: str  # a formula for the last δ, where it is shorter than the chain


def name_of(loss: Any) -> str:
    """What a loss is called."""
    name = getattr(loss, "__name__", None) or getattr(getattr(loss, "func", None), "__name__", "")
    return "loss" if not name or name == "<lambda>" else name


def told(run: Learning) -> LossTold:
    """What can be said of the loss of a run."""
    name, y = name_of(run.loss_of), run.forward.y
    target = _columns(run.target, y)
    shares, by = _shares(name, y)
    short = _short(name, run, target, shares)
    found, mean = _fitting(name, run, target)
    symbol = "p" if shares is not None else "y"
    if found is None:
        text = f"L = {name}({symbol if symbol == 'y' else 'z'}, t)"
        return LossTold(name, text, "", "dL/dY", "", target, shares, by, short)
    terms = len(y) if name == "cross_entropy" else y.size
    lead = "" if terms == 1 else f"1/{terms} Σ " if mean else "Σ "
    part = f"1/{terms} · " if mean and terms > 1 else ""
    slope = f"({found.slope})" if part and "(" not in found.slope[:2] else found.slope
    numbers = _numbers(found, name, y, target, shares)
    return LossTold(
        name, f"L = {lead}{_case(found.text, name, target)}", numbers[0],
        f"{part}{slope}", numbers[1], target, shares, by, short,
    )  # fmt: skip


def _columns(target: np.ndarray, y: np.ndarray) -> np.ndarray:
    if target.shape == y.shape:
        return target
    if target.dtype.kind in "iu" and target.shape == y.shape[:-1]:
        return np.eye(y.shape[-1], dtype=y.dtype)[target]
    return target.reshape(len(target), -1) if target.ndim else target.reshape(1, 1)


def _shares(name: str, y: np.ndarray) -> tuple[np.ndarray | None, str]:
    by = {"cross_entropy": "softmax", "binary_cross_entropy_with_logits": "σ"}.get(name, "")
    return (shares_by(by, y), by) if by else (None, "")


def shares_by(by: str, z: np.ndarray) -> np.ndarray:
    """The shares that softmax or σ makes of z."""
    return shares_of(z) if by == "softmax" else _sigmoid(z)


def _fitting(name: str, run: Learning, target: np.ndarray) -> tuple[Formula | None, bool]:
    """The formula that gives the engine's loss and slope, and whether it is a mean."""
    y, g = run.forward.y, run.backward.of_outputs[-1]
    if target.shape != y.shape:
        return None, True
    for one in FORMULAS.get(name, ()):
        with np.errstate(all="ignore"):
            values, slopes = one.value(y, target), one.slope_of(y, target)
        for mean, n in ((True, values.size), (False, 1)):
            close = np.allclose(values.sum() / n, run.loss, rtol=1e-4, atol=1e-7)
            if close and np.allclose(slopes / n, g, rtol=1e-3, atol=1e-6):
                return one, mean
    return None, True


def _case(text: str, name: str, target: np.ndarray) -> str:
    """The cross-entropy of one example whose target is 0 or 1 has one term."""
    if name == "binary_cross_entropy" and target.size == 1 and target.item() in (0, 1):
        return "−ln y" if target.item() else "−ln(1 − y)"
    return text


def _numbers(one: Formula, name: str, y: Any, target: Any, shares: Any) -> tuple[str, str]:
    if name == "cross_entropy":
        if len(y) > 1 or target.max() != 1:
            return "", ""
        return f"−ln {said(shares[0, target[0].argmax()])}", ""
    if y.size > 1:
        return "", ""
    return one.numbers(float(y.item()), float(target.item()))


def _short(name: str, run: Learning, target: np.ndarray, shares: np.ndarray | None) -> str:
    """y − t, where the last δ is just that."""
    y, delta = run.forward.y, run.backward.deltas[-1]
    if target.shape != y.shape:
        return ""
    likely = y if shares is None else shares
    n = len(y) if name == "cross_entropy" else y.size
    for scale, text in ((1, "{}"), (n, f"1/{n} · ({{}})")):
        if np.allclose(delta * scale, likely - target, rtol=1e-4, atol=1e-7):
            share = "y" if shares is None else "p" if name == "cross_entropy" else "σ(z)"
            share = "y" if shares is None else "p" if name == "cross_entropy" else "σ(z)"
            return text.format(f"{share} − t")
    return ""
