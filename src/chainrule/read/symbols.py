"""What quantities and numbers are called in a formula."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..graph.node import Constant, Node
from ..graph.walk import order
from .tree import escaped

GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
}  # fmt: skip
FREE = {"f": "xabcuvyz", "iub": "kmnpq"}  # letters for inputs without a name, by their dtype


def symbol(name: str) -> str:
    """A name as TeX: `w1` is w with a 1 below, a word stands upright, the rest is escaped.

    >>> symbol("w1"), symbol("alpha"), symbol("loss")
    ('w_{1}', '\\\\alpha', '\\\\mathrm{loss}')
    """
    found = re.fullmatch(r"([A-Za-z]+)_?([0-9]*|(?<=_)\w+)", name)
    if found is None or "_" in found[2]:
        return rf"\mathrm{{{escaped(name)}}}"
    word, below = found.groups()
    body = rf"\{word}" if word in GREEK else word if len(word) == 1 else rf"\mathrm{{{word}}}"
    if not below:
        return body
    return f"{body}_{{{below}}}" if below.isdigit() else rf"{body}_{{\mathrm{{{below}}}}}"


def unambiguous(latex: str, taken: Iterable[str]) -> str:
    """An op's notation where e is the name of something else: exp(x) for e to the power x."""
    if "e^{#" not in latex or "e" not in taken:
        return latex
    return re.sub(r"(?<![A-Za-z])e\^\{#(\d)\}", r"\\exp\\left(#\1\\right)", latex)


def names_of(
    outputs: Sequence[Node], given: Mapping[Node, str], inner: Mapping[Node, str]
) -> dict[Node, str]:
    """A symbol for every input the outputs read: the given one, its name's, or a free letter's.

    What lies below a node in `given` is not read; below those in `inner` it is.
    """
    below = [i for y in (*outputs, *inner) for i in (y, *y.inputs)]
    nodes = order(below, leaves=given)
    inputs = [n for n in nodes if not n.inputs and not isinstance(n.op, Constant)]
    found = {n: given.get(n) or (symbol(n.name) if n.name else "") for n in inputs}
    found = {n: s for n, s in found.items() if s} | dict(given) | dict(inner)
    taken = set(found.values())
    for kinds, letters in FREE.items():
        nameless = [n for n in inputs if n not in found and n.dtype.kind in kinds]
        letter = next((c for c in letters if c not in taken), letters[0])
        for k, n in enumerate(nameless):
            found[n] = letter if len(nameless) == 1 and letter not in taken else ""
            found[n] = found[n] or fresh(letter, taken, k + 1)
            taken.add(found[n])
    return _apart(found)


def fresh(letter: str, taken: set[str], start: int = 1) -> str:
    """A symbol with a number that nothing else has."""
    k = start
    while f"{letter}_{{{k}}}" in taken:
        k += 1
    return f"{letter}_{{{k}}}"


def _apart(names: dict[Node, str]) -> dict[Node, str]:
    """Two inputs of one name get numbers: a formula tells them apart."""
    by_name: dict[str, list[Node]] = {}
    for node, name in names.items():
        by_name.setdefault(name, []).append(node)
    taken = set(by_name)
    for name, nodes in by_name.items():
        for k, node in enumerate(nodes[1:], start=2):
            plain = name if len(name) == 1 else rf"{{{name}}}"
            names[node] = fresh(plain, taken, k)
            taken.add(names[node])
    return names


def pool(taken: Sequence[str] | set[str], letters: str) -> Iterable[str]:
    """Letters that are free, then letters with a number, without end."""
    yield from (c for c in letters if c not in taken)
    k = 1
    while True:
        yield from (f"{c}_{{{k}}}" for c in letters if f"{c}_{{{k}}}" not in taken)
        k += 1


def fraction_of(value: Any) -> Fraction | None:
    """A float as the number a person meant: 0.333… is 1/3, 0.1 is 1/10; None for inf and NaN."""
    if not np.isfinite(value):
        return None
    if np.asarray(value).dtype.kind != "f":
        return Fraction(int(value))
    near = Fraction(float(value)).limit_denominator(1000 if value.dtype.itemsize > 4 else 64)
    if value.dtype.type(float(near)) == value:
        return near
    return Fraction(repr(float(value)) if value.dtype.itemsize == 8 else str(value))


def decimals(number: Fraction) -> str:
    """A positive number in decimals, exact where they end."""
    if number.denominator == 1 and number < 10**6:
        return str(number)
    text = repr(float(number)) if number.denominator > 1 else f"{float(number):.17g}"
    digits, _, exponent = text.partition("e")
    digits = digits.removesuffix(".0")
    if not exponent:
        return digits if number.denominator > 1 else str(number)
    power = rf"10^{{{int(exponent)}}}"
    return power if digits == "1" else rf"{digits} \cdot {power}"


def stays_a_fraction(number: Fraction) -> bool:
    """Whether a number is better read as one number over another: 1/3 and 3/4, but 0.1."""
    d = number.denominator
    if d == 1 or abs(number.numerator) > 999 or d > 1000:
        return False
    return d in (2, 4, 8) or 1000 % d != 0
