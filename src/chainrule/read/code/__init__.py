"""Read a graph as code: its forward and backward pass as a person would have written them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...graph.errors import UsageError
from ...graph.node import Input, Node, Pick
from ...graph.op import Spec
from ...graph.walk import order, users
from ...ops.family import BroadcastTo
from ...ops.reduce import Sum
from ...ops.scan import Scan
from .numpy_style import NUMPY
from .page import Page
from .program import Program, program
from .python_style import PYTHON
from .style import Style
from .torch_style import TORCH

STYLES = {s.name: s for s in (NUMPY, TORCH, PYTHON)}


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
    Long loops (`scan`) are written as loops, forward and backward, and `cond` as if and else.
    Parameters without a name are called w1, b1, ...; `wrt=model` calls them by their place.
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
    """Plain Python computes with single numbers; a list is only walked along, or added up."""
    roots = [made.loss, *(g for g, _, _ in made.backward)]
    lists = {n for n in order(roots) if _is_list(n)}
    for node, readers in users(roots).items():
        one = not isinstance(node.spec, Spec) or node.size == 1
        walked = node in lists and all(isinstance(r.op, (Scan, Sum)) for r in readers)
        if not one and not walked:
            name = made.inputs.get(node, str(node.op))
            raise UsageError(
                f'code: style="python" writes single numbers, but {name} is an array; '
                f'use style="numpy"'
            )


def _is_list(node: Node) -> bool:
    walked = isinstance(node.op, (Input, Pick, BroadcastTo))
    return isinstance(node.spec, Spec) and len(node.shape) == 1 and walked


def _source(made: Program, style: Style) -> str:
    roots = [n for n, _ in made.forward] + [g for g, _, _ in made.backward]
    taken = made.taken | set(style.definitions)
    page = Page(style, made.inputs, (made.loss, *roots), taken, made.parts)
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
