"""How ops with a body are written: a scan as a loop that keeps what is needed, cond as if, else."""

from __future__ import annotations

from collections.abc import Sequence

from ...graph.node import Constant, Node
from ...graph.walk import order
from ...ops.family import BroadcastTo, broadcast_to
from ...ops.loop import Cond
from ...ops.scan import Scan
from .page import Page, comment
from .program import shorter
from .style import Piece


def write_loop(page: Page, node: Node, operands: list[Piece]) -> None:
    """The lines of a scan, of which only the values in use are kept."""
    op: Scan = node.op  # type: ignore[assignment]
    used = {p.op.index: p for p in page.parts.get(node, ())}  # type: ignore[attr-defined]
    inputs = list(op.body.inputs)
    ends = _handed_in(op, node)
    made: list[Node] = list(op.body.replay([ends.get(k, i) for k, i in enumerate(inputs)]))
    short = shorter([y for y in made if y.inputs], page.style.knows)
    outputs = [short.get(y, y) for y in made]
    carries, ys, starts = _live(op, outputs, used)
    t = page.fresh("k")
    names: dict[Node, str] = {}
    reached = set(order([outputs[k] for k in (*carries, *ys)])) | {inputs[k] for k in starts}
    for k in carries:
        part = used.get(k)
        word = page.wanted.get(part, "") if part is not None else ""
        names[inputs[k]] = word or page.fresh(f"{_word(operands[k].text)}_now")
        first = _of_tensors(page, operands[k].text, node.inputs[k])
        page.lines.append(f"{names[inputs[k]]} = {first}")
    for k in range(op.carries, len(inputs)):
        if k in ends or inputs[k] not in reached:
            continue
        whole = page.name(operands[k], node.inputs[k])
        names[inputs[k]] = f"{whole}[{t}]" if k < op.carries + op.xs else whole
    lists = _lists(page, op, used, names, inputs, ys, starts)
    inner = page.inside(names, [outputs[k] for k in (*carries, *ys)])
    for k in starts:
        inner.lines.append(f"{lists[len(outputs) + k]}.append({names[inputs[k]]})")
    inner.share([outputs[k] for k in (*carries, *ys)])
    texts = {k: inner.expression(outputs[k]).text for k in (*carries, *ys)}
    texts = {k: _of_tensors(page, text, outputs[k]) for k, text in texts.items()}
    _close(inner, {k: (names[inputs[k]], texts[k]) for k in carries},
           [(lists[k], texts[k]) for k in ys])  # fmt: skip
    _emit(page, op, lists, inner.lines, t)
    for k in carries:
        if k in used:
            page.names[used[k]] = names[inputs[k]]
    for k, name in lists.items():
        page.names[used[k]] = name
    page.taken.discard(t)


def _handed_in(op: Scan, node: Node) -> dict[int, Node]:
    """The operands that are one number throughout: it is written where it is needed."""
    found = {}
    for k in range(op.carries, len(op.body.inputs)):
        operand, inside = node.inputs[k], op.body.inputs[k]
        if isinstance(operand.op, BroadcastTo) and isinstance(operand.inputs[0].op, Constant):
            found[k] = broadcast_to(operand.inputs[0], inside.shape)
        elif isinstance(operand.op, Constant) and k >= op.carries + op.xs:
            found[k] = operand
    return found


def _live(op: Scan, outputs: list[Node], used: dict) -> tuple[list[int], list[int], list[int]]:
    """Which carries, ys and starts are needed for the values in use."""
    ys = [k for k in range(op.carries, len(outputs)) if k in used]
    starts = [k for k in range(op.carries) if len(outputs) + k in used]
    live = {k for k in range(op.carries) if k in used} | set(starts)
    while True:
        reached = set(order([outputs[k] for k in (*live, *ys)]))
        more = {k for k in range(op.carries) if op.body.inputs[k] in reached} - live
        if not more:
            return sorted(live), ys, starts
        live |= more


def _lists(
    page: Page, op: Scan, used: dict, names: dict[Node, str], inputs: list[Node],
    ys: Sequence[int], starts: Sequence[int],
) -> dict[int, str]:  # fmt: skip
    """A name for every list that the loop fills, by the place of its value."""
    found = {k: page.wanted.get(used[k]) or page.fresh("each", always=True) for k in ys}
    for k in starts:
        word = names[inputs[k]].removesuffix("_now")
        place = len(op.body.outputs) + k
        found[place] = page.wanted.get(used[place]) or page.fresh(f"{word}_before")
    return found


def _close(inner: Page, carries: dict[int, tuple[str, str]], ys: list[tuple[str, str]]) -> None:
    """The last lines of a step: what is kept of it, then all that is handed on at once."""
    for name, text in ys:
        inner.lines.append(f"{name}.append({text})")
    moved = [(name, text) for name, text in carries.values() if name != text]
    if moved:
        left, right = (", ".join(column) for column in zip(*moved, strict=True))
        inner.lines.append(f"{left} = {right}")


def _emit(page: Page, op: Scan, lists: dict[int, str], body: list[str], t: str) -> None:
    if lists:
        empty = ", ".join(["[]"] * len(lists))
        page.lines.append(f"{', '.join(lists.values())} = {empty}")
    steps = f"range({op.length})"
    page.lines.append(f"for {t} in {f'reversed({steps})' if op.reverse else steps}:")
    page.lines += [f"    {line}" for line in body or ["pass"]]
    specs = op.spec()
    for k, name in lists.items():
        back = f"{name}[::-1]" if op.reverse else name
        stacked = page.style.stack.format(back)
        if stacked != name:
            page.lines.append(f"{name} = {stacked}{comment(specs[k].shape)}")


def write_branch(page: Page, node: Node, operands: list[Piece]) -> None:
    """The lines of a cond: one body under `if`, the other under `else`."""
    op: Cond = node.op  # type: ignore[assignment]
    parts = page.parts.get(node, [])
    kept = [p.op.index for p in parts]  # type: ignore[attr-defined]
    names = [page.wanted.get(p) or page.fresh("either", always=True) for p in parts]
    condition, given = operands[0], operands[1:]
    reached = set(order([b.outputs[k] for b in (op.then, op.other) for k in kept]))
    inside: dict[int, str] = {}
    for k, i in enumerate(op.then.inputs):
        if i in reached or op.other.inputs[k] in reached:
            inside[k] = page.name(given[k], node.inputs[1 + k])
    for head, body in ((f"if {condition.text}:", op.then), ("else:", op.other)):
        short = shorter([y for y in body.outputs if y.inputs], page.style.knows)
        ends: list[Node] = [body.outputs[k] for k in kept]
        outputs = [short.get(y, y) for y in ends]
        inner = page.inside({body.inputs[k]: name for k, name in inside.items()}, outputs)
        inner.share(outputs)
        texts = [_of_tensors(page, inner.expression(y).text, y) for y in outputs]
        page.lines.append(head)
        page.lines += [f"    {line}" for line in inner.lines]
        line = f"{', '.join(names)} = {', '.join(texts)}" if names else "pass"
        page.lines.append(f"    {line}")
    page.names |= dict(zip(parts, names, strict=True))


def _of_tensors(page: Page, text: str, node: Node) -> str:
    """A number as a value of this style, where it has to have a shape or a method."""
    root = node.inputs[0] if isinstance(node.op, BroadcastTo) else node
    if isinstance(root.op, Constant) and page.style.scalar and not node.shape:
        return page.style.scalar.format(text, dtype=node.dtype)
    return text


def _word(text: str) -> str:
    """What a loop's value is called after, from what it starts with."""
    return text if text.isidentifier() and len(text) < 12 else "h"
