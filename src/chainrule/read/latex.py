"""Read a graph as mathematics: TeX, with brackets only where they are needed."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ..graph.node import Constant, Node, Pick
from ..graph.walk import fold
from .simplify import as_nodes, locals_of, named, simplify
from .symbols import symbol, unambiguous
from .tex import unmarked
from .tree import escaped

ATOM = 4


class Text(NamedTuple):
    """A formula, and how tightly it holds together: 1 a sum, 2 a product, 3 a power, 4 an atom."""

    tex: str
    binds: int


def latex(x: Any) -> str:
    """The formula of a tensor or a node, by the names of its inputs.

    >>> import chainrule as cr
    >>> x, w = cr.tensor(1.0, name="x"), cr.tensor(2.0, name="w")
    >>> latex((cr.tanh(x * w) + 1.0) ** 2)
    '{\\\\left(\\\\tanh\\\\left(x \\\\cdot w\\\\right) + 1\\\\right)}^{2}'
    """
    (node,) = simplify([as_nodes(x)])
    return _formula(node, symbols(node))


def latex_of_locals(x: Any) -> list[str]:
    """The local gradients of an elementwise value by each of its operands, as formulas.

    >>> import chainrule as cr
    >>> latex_of_locals(cr.square(cr.tensor(3.0, name="x")))
    ['2 \\\\cdot x']
    """
    node = as_nodes(x)
    names = symbols(node)
    return ["0" if d is None else _formula(d, names) for d in locals_of(node)]


def _formula(node: Node, names: dict[Node, str]) -> str:
    return fold((node,), lambda n, *xs: _rule(n, names, *xs))[node].tex


def symbols(node: Node) -> dict[Node, str]:
    """A symbol for every input: that of its name, or a letter that is free."""
    return {n: symbol(name) for n, name in named(node).items()}


def clean(tex: str) -> str:
    """A formula without its marks, as LaTeX elsewhere reads it.

    >>> clean(r"\\mark{dw}{w} + b")
    'w + b'
    """
    return unmarked(tex)


def _rule(node: Node, names: dict[Node, str], *operands: Text) -> Text:
    op = node.op
    if isinstance(op, Constant):
        return _number(op.value)
    if not operands:
        return Text(names[node], ATOM)
    if isinstance(op, Pick):
        return Text(rf"{{{_bracketed(operands[0], ATOM)}}}_{{{op.index + 1}}}", ATOM)
    template = op.latex
    used = {int(k) for k in re.findall(r"#(\d)", template)}
    if not template or max(used, default=0) < len(operands):
        inside = ", ".join(x.tex for x in operands)
        word = escaped(str(op))
        return Text(rf"\operatorname{{{word}}}\left({inside}\right)", ATOM)
    template = unambiguous(template, names.values())
    takes = op.takes + (0,) * len(operands)
    if re.fullmatch(r"\{?#1\}?", template):  # nothing is written: it binds as its operand does
        return operands[0]

    def operand(found: re.Match) -> str:
        k = int(found[1]) - 1
        return _bracketed(operands[k], takes[k])

    return Text(re.sub(r"#(\d)", operand, template), op.binds)


def _bracketed(x: Text, least: int) -> str:
    return x.tex if x.binds >= least else rf"\left({x.tex}\right)"


def _number(value: Any) -> Text:
    if value.dtype.kind != "f":
        return Text(rf"\mathrm{{{value}}}" if value.dtype.kind == "b" else str(value), ATOM)
    text = f"{float(value):.17g}" if value.dtype.itemsize > 8 else repr(value.item())
    if value.dtype.itemsize < 8:
        text = str(value)
    if text in ("inf", "-inf", "nan"):
        return Text({"inf": r"\infty", "-inf": r"-\infty"}.get(text, r"\mathrm{NaN}"), ATOM)
    digits, _, exponent = text.partition("e")
    digits = digits.removesuffix(".0")
    if exponent:
        power = rf"10^{{{int(exponent)}}}"
        if digits == "1":
            return Text(power, 3)
        return Text(rf"{digits} \cdot {power}", 1 if digits[0] == "-" else 2)
    return Text(digits, 1 if digits[0] == "-" else ATOM)
