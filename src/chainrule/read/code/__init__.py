"""Read a graph as code: its forward and backward pass as a person would have written them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.caller import made_at
from ...graph.errors import UsageError
from ...graph.node import Captured, Constant, Node
from ...graph.walk import order, users
from ...ops.family import BroadcastTo, Cast
from .numpy_style import NUMPY
from .program import Program, program
from .python_style import PYTHON
from .style import Piece, Style
from .torch_style import TORCH

STYLES = {s.name: s for s in (NUMPY, TORCH, PYTHON)}
LONGEST = 72  # characters of an expression that is still written inside another one

MOST = 64  # elements of an array that is written out


class Code(str):
    """Source text, and beside it the values of the arguments it was made with.

    It is only ever text: nothing here runs it.
    """

    arguments: dict[str, np.ndarray]

    def __repr__(self) -> str:
        return str(self)


def code(loss: Any, wrt: Any = None, style: str = "numpy") -> Code:
    """The forward and the backward pass of a tensor or a graph as readable source text.

    One line for each node, the gradient of `v` called `v_g`, shapes in comments: a function
    `forward_and_backward(inputs...)` that returns the loss and a dict of gradients, and needs
    nothing but the import above it. `wrt` is what gradients are asked of (all float leaves);
    `style` is "numpy", "torch" (with `by_autograd` beside it) or "python" (single numbers).
    `.arguments` of the text holds the values the tensor was computed from.
    Shapes: `loss` is one number.
    Raises: UsageError (an op that cannot be written in this style, which it names),
    PathError (no dependence), ScalarError.

    >>> import chainrule as cr
    >>> w, x = cr.tensor(2.0, name="w"), cr.tensor(3.0, name="x")
    >>> print(cr.code((w * x) ** 2, wrt=[w], style="python"))
    def forward_and_backward(w, x):
        # forward
        u1 = w * x
        loss = u1 ** 2
        # backward
        u1_g = 2.0 * u1
        w_g = u1_g * x
        return loss, {"w": w_g}
    <BLANKLINE>
    """
    if style not in STYLES:
        raise UsageError(f"code: style={style!r}; use one of {', '.join(map(repr, STYLES))}")
    chosen = STYLES[style]
    made = program(loss, wrt, chosen.knows)
    if style == "python":
        _refuse_arrays(made)
    found = Code(_source(made, chosen))
    found.arguments = made.values
    return found


def _refuse_arrays(made: Program) -> None:
    for node in (*made.inputs, *(n for n, _ in made.forward)):
        if not hasattr(node.spec, "shape") or node.size != 1:
            name = made.inputs.get(node, str(node.op))
            raise UsageError(
                f'code: style="python" writes single numbers, but {name} is an array; '
                f'use style="numpy"'
            )


class Page:
    """The lines written so far, and what everything written is called."""

    def __init__(self, style: Style, inputs: dict[Node, str], counts: dict[Node, int]):
        self.style, self.counts, self.lines, self.temporary = style, counts, [], 0
        self.names: dict[Node, str] = dict(inputs)

    def assign(self, node: Node, name: str, shape: tuple[int, ...]) -> None:
        """A line `name = ...`, and before it the lines of what it needs and shares."""
        text = self.names.get(node) or self.expression(node).text
        self.lines.append(f"{name} = {text}{_shape(shape)}")
        self.names.setdefault(node, name)

    def expression(self, root: Node) -> Piece:
        """The code of a node in terms of what has a name."""
        written: dict[Node, Piece] = {}
        for node in order((root,), self.names):
            if node in self.names:
                written[node] = Piece(self.names[node], 5)
                continue
            piece = self._write(node, [written[i] for i in node.inputs])
            shared = self.counts.get(node, 0) > 1 and _costs(node)
            if node is not root and (shared or len(piece.text) > LONGEST):
                self.temporary += 1
                name = f"t{self.temporary}"
                while name in self.names.values():
                    self.temporary += 1
                    name = f"t{self.temporary}"
                self.lines.append(f"{name} = {piece.text}{_shape(node.shape)}")
                self.names[node] = name
                piece = Piece(name, 5)
            written[node] = piece
        return written[root]

    def _write(self, node: Node, operands: list[Piece]) -> Piece:
        if isinstance(node.op, Captured) and np.asarray(node.op.reference).size > MOST:
            raise UsageError(
                f"code: an array of shape {node.shape} from outside the function is too large to "
                f"be written down; make it an argument of the function{made_at(node.line)}"
            )
        if not self.style.knows(node.op) and not isinstance(node.op, Constant):
            raise UsageError(
                f'code: {node.op} cannot be written in style="{self.style.name}": it is '
                f"{_what(node)}{made_at(node.line)}"
            )
        return self.style.write(node, operands)


def _what(node: Node) -> str:
    if node.op.name in ("scan", "cond"):
        return "a loop or a branch in one op; write it with Python's for or if to see every step"
    return 'no op of this style; style="numpy" knows the most'


def _costs(node: Node) -> bool:
    return bool(node.inputs) and not isinstance(node.op, (BroadcastTo, Cast)) and (
        node.op.name not in ("permute", "step")
    )  # fmt: skip


def _shape(shape: tuple[int, ...]) -> str:
    return f"  # {shape}" if shape else ""


def _source(made: Program, style: Style) -> str:
    roots = [n for n, _ in made.forward] + [g for g, _, _ in made.backward]
    counts = {n: len(u) for n, u in users((made.loss, *roots)).items()}
    page = Page(style, made.inputs, counts)
    for node, name in made.forward:
        page.assign(node, name, getattr(node.spec, "shape", ()))
    forward = list(page.lines)
    result = page.names.get(made.loss) or page.expression(made.loss).text
    page.lines = []
    for node, name, shape in made.backward:
        page.assign(node, name, shape)
    gradients = ", ".join(f'"{what}": {g}' for what, g in made.gradients.items())
    shapes = [f"{name} {node.shape}" for node, name in made.inputs.items() if node.shape]
    body = [
        *([f"# given {', '.join(shapes)}"] if shapes else []),
        "# forward", *forward, "# backward", *page.lines,
        f"return {result}, {{{gradients}}}",
    ]  # fmt: skip
    functions = [_function("forward_and_backward", made, body)]
    if style.name == "torch":
        functions.append(_by_autograd(made, forward, result))
    return _with_header(style, functions)


def _function(name: str, made: Program, body: Sequence[str]) -> str:
    lines = "\n".join(f"    {line}" for line in body)
    return f"def {name}({', '.join(made.inputs.values())}):\n{lines}"


def _by_autograd(made: Program, forward: list[str], result: str) -> str:
    """The same gradients from PyTorch's own backward pass."""
    leaves = [w for w in made.gradients if w in made.inputs.values()]
    watched = [f"{w} = {w}.detach().clone().requires_grad_()" for w in leaves]
    told = ", ".join(f'"{w}": {w}.grad' for w in leaves)
    body = [*watched, *forward, f"{result}.backward()", f"return {result}, {{{told}}}"]
    return _function("by_autograd", made, body)


def _with_header(style: Style, functions: list[str]) -> str:
    body = "\n\n\n".join(functions)
    used = [text for name, text in style.definitions.items() if _calls(body, name)]
    whole = "\n\n\n".join([*used, *functions])
    modules = {"math": "import math", "np": "import numpy as np", "torch": "import torch"}
    header = [line for m, line in modules.items() if re.search(rf"(?<!\w){m}\.", whole)]
    return "\n".join(header) + ("\n\n\n" if header else "") + whole + "\n"


def _calls(body: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){name}\(", body) is not None
