"""A page of code in the making: the lines written so far, and what everything on it is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from ...graph.caller import made_at
from ...graph.errors import UsageError
from ...graph.node import Captured, Constant, Node, Pick
from ...graph.walk import order, users
from ...ops.family import BroadcastTo, Cast
from ...ops.loop import Cond
from ...ops.scan import Scan
from .style import Piece, Style

LONGEST = 72  # characters of an expression that is still written inside another one
MOST = 64  # elements of an array that is written out


class Page:
    """The lines written so far, and what everything written is called."""

    def __init__(
        self, style: Style, names: Mapping[Node, str], roots: Sequence[Node],
        taken: set[str], wanted: Mapping[Node, str] | None = None,
    ):  # fmt: skip
        self.style, self.names, self.taken = style, dict(names), taken
        self.wanted = dict(wanted or {})  # what parts of a block are to be called
        self.lines: list[str] = []
        read_by = users(roots)
        self.counts = {n: len(u) for n, u in read_by.items()}
        self.parts: dict[Node, list[Node]] = {}  # of an op of several values, the ones in use
        for n in read_by:
            if isinstance(n.op, Pick):
                self.parts.setdefault(n.inputs[0], []).append(n)

    def assign(self, node: Node, name: str, shape: tuple[int, ...]) -> None:
        """A line `name = ...`, and before it the lines of what it needs and shares."""
        text = self.names.get(node) or self.expression(node).text
        if text != name:  # a block may have given it its name already
            self.lines.append(f"{name} = {text}{comment(shape)}")
        self.names.setdefault(node, name)

    def expression(self, root: Node) -> Piece:
        """The code of a node in terms of what has a name."""
        written: dict[Node, Piece] = {}
        for node in order((root,), self.names):
            if node in self.names:
                written[node] = Piece(self.names[node], 5)
                continue
            if isinstance(node.op, (Scan, Cond)):
                self._block(node, [written[i] for i in node.inputs])
                written[node] = Piece("", 5)
                continue
            piece = self._write(node, [written[i] for i in node.inputs])
            shared = self.counts.get(node, 0) > 1 and _costs(node)
            if node is not root and (shared or len(piece.text) > LONGEST):
                piece = Piece(self.name(piece, node), 5)
            written[node] = piece
        return written[root]

    def share(self, roots: Sequence[Node]) -> None:
        """Lines for those of these values that are needed more than once."""
        times = Counter(map(id, roots))
        wanted = {n for n in roots if times[id(n)] + self.counts.get(n, 0) > 1 and _costs(n)}
        for n in order(roots):
            if n in wanted and n not in self.names:
                self.name(self.expression(n), n)

    def name(self, piece: Piece, node: Node) -> str:
        """A name for what is written: its own, or that of a line which is put before."""
        if piece.text.isidentifier():
            return piece.text
        name = self.fresh("t", always=True)
        shape = getattr(node.spec, "shape", ())  # an op of several values has several
        self.lines.append(f"{name} = {piece.text}{comment(shape)}")
        self.names[node] = name
        return name

    def fresh(self, word: str, always: bool = False) -> str:
        """A name that is free, made of this word; `always` with a number."""
        k, name = 1, f"{word}1" if always else word
        while name in self.taken:
            k += 1
            name = f"{word}{k}"
        self.taken.add(name)
        return name

    def inside(self, names: Mapping[Node, str], roots: Sequence[Node]) -> Page:
        """A page for what stands indented in this one."""
        return Page(self.style, names, roots, self.taken)

    def _block(self, node: Node, operands: list[Piece]) -> None:
        from .blocks import write_branch, write_loop

        write = write_loop if isinstance(node.op, Scan) else write_branch
        write(self, node, operands)

    def _write(self, node: Node, operands: list[Piece]) -> Piece:
        if isinstance(node.op, Captured) and np.asarray(node.op.reference).size > MOST:
            raise UsageError(
                f"code: an array of shape {node.shape} from outside the function is too large to "
                f"be written down; make it an argument of the function{made_at(node.line)}"
            )
        if not self.style.knows(node.op) and not isinstance(node.op, Constant):
            raise UsageError(
                f'code: {node.op} cannot be written in style="{self.style.name}": it is no op of '
                f'this style; style="numpy" knows the most{made_at(node.line)}'
            )
        return self.style.write(node, operands)


def _costs(node: Node) -> bool:
    return bool(node.inputs) and not isinstance(node.op, (BroadcastTo, Cast, Pick)) and (
        node.op.name not in ("permute", "step")
    )  # fmt: skip


def comment(shape: tuple[int, ...]) -> str:
    """A shape as a comment at the end of a line."""
    return f"  # {shape}" if shape else ""
