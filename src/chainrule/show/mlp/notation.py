"""How matrices are named and multiplied in these pictures, and how numbers are written.

Three conventions are in use. W, W2 ... stand for weights as their owner keeps them.

examples are   weights are   forward          backward            update
columns        (out, in)     Z = W H + b      Wᵀ δ ⊙ σ′(Z)        dW = δ Hᵀ
rows           (out, in)     Z = H Wᵀ + b     δ W ⊙ σ′(Z)         dW = δᵀ H
rows           (in, out)     Z = H W + b      δ Wᵀ ⊙ σ′(Z)        dW = Hᵀ δ
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan

import numpy as np

LOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MINUS = "−"


def low(k: int) -> str:
    """A number as a subscript.

    >>> low(12)
    '₁₂'
    """
    return str(k).translate(LOW)


def said(v: float, decimals: int = 4) -> str:
    """A number for a sentence: four decimals, or three digits where those would not do.

    >>> said(-0.45), said(0.59783700), said(1234567.0), said(0.00001234), said(float("inf"))
    ('−0.45', '0.5978', '1.23e6', '1.23e−5', '∞')
    """
    return _written(float(v), decimals, 2)


def celled(v: float) -> str:
    """A number for a cell: at most seven characters.

    >>> celled(-0.12345), celled(123.456), celled(-0.000012), celled(2.0), celled(-123456.0)
    ('−0.123', '123.5', '−1e−5', '2', '−1e5')
    """
    a = abs(float(v))
    decimals = 3 if a < 10 else 2 if a < 100 else 1 if a < 1000 else 0
    return _written(float(v), decimals, 0)


def _written(v: float, decimals: int, digits: int) -> str:
    if isnan(v):
        return "NaN"
    if not isfinite(v):
        return "∞" if v > 0 else f"{MINUS}∞"
    if v == 0:
        return "0"
    if not 10.0**-3 <= abs(v) < 1e5:
        mantissa, power = f"{v:.{digits}e}".split("e")
        text = f"{mantissa}e{int(power)}"
    else:
        text = f"{v:.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", MINUS)


def bracketed(v: float) -> str:
    """A factor of a product: a negative number in brackets.

    >>> bracketed(-2.0)
    '(−2)'
    """
    text = said(v)
    return f"({text})" if text.startswith(MINUS) else text


def listed(values: np.ndarray, most: int = 6) -> str:
    """The numbers of an array in one bracket, the first ones where there are many.

    >>> listed(np.array([[0.5, -1.0]]))
    '(0.5, −1)'
    """
    flat = np.ravel(values)
    told = [said(v) for v in flat[:most]]
    text = ", ".join([*told, "…"] if flat.size > most else told)
    return text if flat.size == 1 else f"({text})"


def sized(shape: tuple[int, ...]) -> str:
    """A shape as it is said.

    >>> sized((3, 2))
    '3×2'
    """
    return "×".join(map(str, shape))


@dataclass(frozen=True)
class Notation:
    """The names of what is in a stack of `depth` layers, by one of the three conventions."""

    depth: int
    columns: bool
    out_by_in: bool

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Values, one example a row, as the picture has them."""
        return rows.T if self.columns else rows

    def ahead(self, weight: np.ndarray) -> np.ndarray:
        """Weights as the forward pass multiplies by them."""
        return weight if self.columns or not self.out_by_in else weight.T

    @property
    def mirrored(self) -> bool:
        """Whether it is the backward pass that turns the stored weights over."""
        return self.columns or not self.out_by_in

    def w(self, k: int) -> str:
        return f"W{low(k)}"

    def w_ahead(self, k: int) -> str:
        return self.w(k) if self.mirrored else f"{self.w(k)}ᵀ"

    def w_back(self, k: int) -> str:
        return f"{self.w(k)}ᵀ" if self.mirrored else self.w(k)

    def z(self, k: int) -> str:
        return f"Z{low(k)}"

    def h(self, k: int) -> str:
        """What comes out of layer `k`; the input for 0, the prediction for the last."""
        return "X" if k == 0 else "Y" if k == self.depth else f"H{low(k)}"

    def delta(self, k: int) -> str:
        return f"δ{low(k)}"

    def slope(self, sign: str, k: int) -> str:
        """σ′(Z₁); 1 where the layer does nothing to its sums."""
        first = f"({sign})" if "∘" in sign else sign
        return f"{first}′({self.z(k)})" if sign else "1"

    def in_order(self, weight: object, value: object) -> tuple:
        """The two factors of a product as they stand in it."""
        return (weight, value) if self.columns else (value, weight)

    def product(self, k: int, bias: bool) -> str:
        """W₁X + b₁."""
        made = "".join(self.in_order(self.w_ahead(k), self.h(k - 1)))
        return f"{made} + b{low(k)}" if bias else made

    def sent(self, k: int) -> str:
        """W₂ᵀδ₂: what layer `k` sends back."""
        return "".join(self.in_order(self.w_back(k), self.delta(k)))

    def change(self, k: int) -> str:
        """δ₂H₁ᵀ: the gradient of the weights of layer `k`."""
        d, h = self.delta(k), self.h(k - 1)
        if self.columns:
            return f"{d}{h}ᵀ"
        return f"{d}ᵀ{h}" if self.out_by_in else f"{h}ᵀ{d}"

    def change_factors(self, delta: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The two matrices whose product is the gradient of the weights, as stored."""
        return (delta.T, h) if self.out_by_in else (h.T, delta)

    def change_names(self, k: int) -> tuple[str, str]:
        """The names of these two."""
        d, h = self.delta(k), self.h(k - 1)
        if self.columns:
            return d, f"{h}ᵀ"
        return (f"{d}ᵀ", h) if self.out_by_in else (f"{h}ᵀ", d)
