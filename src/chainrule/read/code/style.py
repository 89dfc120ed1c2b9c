"""What every style of written code has in common: pieces of text, and how ops are looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from ...graph.node import Constant, Node, Pick
from ...graph.op import Op
from ...ops.loop import Cond
from ...ops.scan import Scan
from ..text import CALL, SIGNS, _bracketed
from ..text import Text as Piece

ATOM, SIGN, SUM = CALL, 3, 1


Writer = Callable[..., str]
# Signs that also exist under other names, beside those that plain text is written with.
MORE_SIGNS: dict[str, tuple[str, int, tuple[int, ...]]] = {
    "positive": ("+{}", 3, (3,)),
    "reciprocal": ("1.0 / {}", 2, (3,)),
    "linear": ("{} @ {}.T + {}", 1, (2, 5, 2)),
}


@dataclass(frozen=True)
class Style:
    """One way of writing: what ops are called, and what stands above the function."""

    name: str
    header: tuple[str, ...]  # import lines
    calls: dict[str, str]  # op name → the function that is called with the operands
    writers: dict[str, Writer]  # op name → (op, node, *operands) → text, for ops with settings
    number: Callable[[Constant], str]
    definitions: dict[str, str] = field(default_factory=dict)  # function name → its source text
    signs: dict[str, tuple[str, int, tuple[int, ...]]] = field(default_factory=dict)
    stack: str = "{}"  # how a list of values becomes one
    scalar: str = ""  # how a number becomes a value that can be stacked and handed to functions

    def knows(self, op: Op) -> bool:
        """Whether there is a way to write this op."""
        name = op.name
        return isinstance(op, (Pick, Scan, Cond)) or name in self.calls or name in self.writers or (
            name in self.signs or name in SIGNS or name in MORE_SIGNS
        )  # fmt: skip

    def write(self, node: Node, operands: list[Piece]) -> Piece:
        """The code of one node, from that of its operands."""
        op = node.op
        if isinstance(op, Constant):
            text = self.number(op)
            return Piece(text, SIGN if text.startswith("-") else ATOM)
        if isinstance(op, Pick):
            return Piece(f"{_bracketed(operands[0], ATOM)}[{op.index}]", ATOM)
        if op.name == "multiply":
            operands = [self._gate(x, i) for x, i in zip(operands, node.inputs, strict=True)]
        if op.name == "linear" and operands[2].text in ("0.0", "0"):
            a, w = (_bracketed(x, n) for x, n in zip(operands[:2], (2, ATOM), strict=True))
            return Piece(f"{a} @ {w}.T", 2)
        if op.name in self.writers:
            text = self.writers[op.name](op, node, *(x.text for x in operands))
            return Piece(text, ATOM)
        if op.name in self.calls:
            return Piece(f"{self.calls[op.name]}({', '.join(x.text for x in operands)})", ATOM)
        sign, binds, takes = (self.signs | MORE_SIGNS).get(op.name) or SIGNS[op.name]
        parts = (_bracketed(x, least) for x, least in zip(operands, takes, strict=True))
        return Piece(sign.format(*parts), binds)

    def _gate(self, written: Piece, factor: Node) -> Piece:
        """A factor of 0 or 1 as people write it: the condition itself."""
        if self.name != "numpy" or factor.op.name != "step":
            return written
        condition = re.fullmatch(r"np\.where\((.* > 0), 1\.0, 0\.0\)(\.astype.*)?", written.text)
        return Piece(f"({condition[1]})", ATOM) if condition else written


def settings(**given: object) -> str:
    """Keyword arguments, those that are None or False left out, with a comma in front."""
    told = [f"{k}={v!r}" for k, v in given.items() if v is not None and v is not False]
    return "".join(f", {x}" for x in told)


def key_text(key: tuple, indices: tuple[str, ...] = ()) -> str:
    """An index as it is typed between brackets."""
    parts = []
    for kind, *rest in key:
        if kind == "slice":
            start, stop, step = ("" if v is None else str(v) for v in rest)
            parts.append(f"{start}:{stop}" + (f":{step}" if step else ""))
        elif kind == "array":
            parts.append(indices[rest[0]])
        else:
            parts.append({"new": "None", "rest": "..."}.get(kind) or str(rest[0]))
    return ", ".join(parts)
