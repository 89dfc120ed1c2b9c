"""A forward and a backward pass as one list of nodes to write down, each with a name."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import ops
from ...graph.caller import Line
from ...graph.chain import pull
from ...graph.errors import PathError, ScalarError, UsageError
from ...graph.node import Constant, Input, Node, Pick, as_node, constant_node, unpack
from ...graph.op import Spec
from ...graph.spelling import told_type
from ...graph.walk import Graph, fold, order
from ...ops.family import BroadcastTo, Elementwise, broadcast_to
from ...ops.loop import Call
from ...ops.scan import Scan
from ..simplify import simplify

RESERVED = {
    "np", "math", "torch", "forward_and_backward", "by_autograd", "place", "scatter", "sigmoid",
    "softplus", "silu", "gelu", "erf", "elu", "logsumexp", "logaddexp", "max", "min", "abs",
    "float", "int", "round",
}  # fmt: skip
LONGEST_LOOP = 4  # steps of a loop that are written out one by one
OF_ONE = ("sum", "mean", "prod", "max", "min", "logsumexp")  # of one number: the number
ASSIGNED = re.compile(r"([A-Za-z_]\w*)\s*(?::[^=]+)?=[^=]")
# What is assigned is not the value but what is asked about it.
ASKED = re.compile(
    r"[\s(]*(?:\w+\.)*(?:animate|check_grads|code|compare|derive|draw|float|latex|"
    r"len|list|paths|practice|print|str|trace|type)\("
)


@dataclass(frozen=True)
class Program:
    """What is to be written: the values, the gradients, and what each is called."""

    forward: list[tuple[Node, str]]  # the value's node and name, in order
    backward: list[tuple[Node, str, tuple[int, ...]]]  # the gradient's node, name and shape
    inputs: dict[Node, str]
    values: dict[str, np.ndarray]  # of inputs that hold numbers
    loss: Node
    gradients: dict[str, str]  # of what → the name of its gradient
    parts: dict[Node, str]  # of ops with several values: what each of the values is called
    taken: set[str]  # all names that are given


def as_graph(x: Any) -> tuple[list[Any], list[Node], dict]:
    """What `x` was computed by: the nodes or tensors in order, and a node for each of them."""
    if isinstance(x, Graph):
        if len(x.outputs) != 1:
            raise UsageError(f"code: the graph has {len(x.outputs)} outputs; give one with a loss")
        x = x.outputs[0]
    if not hasattr(x, "inputs") or not hasattr(x, "op"):
        raise UsageError(
            f"code: of {told_type(x)}, which does not remember how it was made; give a "
            "tensor computed from chainrule.tensor(...), or cr.capture(f, ...)"
        )
    found = order((x,))
    made: dict = {}
    for t in found:
        made[t] = _applied(t, [made[i] for i in t.inputs]) if t.inputs else _leaf(t)
    return found, order((made[x],)), made


def _applied(t: Any, operands: list) -> Any:
    """The node of a tensor or node; a short loop becomes the nodes of all its steps."""
    if isinstance(t.op, Pick) and isinstance(operands[0], tuple):
        return operands[0][t.op.index]
    if isinstance(t.op, Scan) and t.op.length <= LONGEST_LOOP:
        return _unrolled(t.op, operands)
    return Node(t.op, tuple(operands))


def _unrolled(op: Scan, operands: list) -> tuple:
    """The values of a scan as nodes: its last carries, its stacked outputs, its starts."""
    carry, end = operands[: op.carries], op.carries + op.xs
    rows: dict[int, list] = {}
    for t in op.steps:
        before = carry
        now = [x[t] for x in operands[op.carries : end]]
        made = [as_node(y) for y in op.body.replay([*carry, *now, *operands[end:]])]
        carry, rows[t] = made[: op.carries], [*made[op.carries :], *before]
    columns = zip(*(rows[t] for t in range(op.length)), strict=True)
    return (*carry, *(ops.stack(column) for column in columns))


def _leaf(t: Any) -> Node:
    if type(t) is Node:
        return t
    if t.op.name == "fixed" and not t.shape:
        return Node(Constant(str(np.asarray(t._value)[()]), t.dtype.name))
    return Node(Input(Spec(t.shape, t.dtype), t.name or ""))


def program(x: Any, wrt: Sequence[Any] | None, knows: Callable[[Any], bool]) -> Program:
    """The whole computation of `x` and of its gradients, with names for all that is written."""
    found, nodes, made = as_graph(x)
    labels = _labels(wrt)
    wrt = list(labels) if labels else wrt
    output = made[found[-1]]
    if output.size != 1:
        raise ScalarError(f"code: of shape {output.shape}; a gradient starts from one number")
    targets = _targets(found, made, wrt, labels)
    kept: dict = {}
    one = broadcast_to(constant_node(1.0, output.dtype), output.shape)
    gradients = pull(nodes, {output: one}, targets, keep=kept)
    for node, what in targets.items():
        if node not in gradients:
            raise PathError(f"code: the value does not depend on {what}; it has no gradient there")
    kept = {n: g for n, g in kept.items() if type(g) is Node}
    short = shorter([*nodes, *kept.values()], knows)
    names = Names(found, made, nodes, short, [output, *targets], labels)
    loss = short[output]
    wanted = [short[gradients[n]] for n in targets]
    needed = set(order((loss, *wanted)))
    first = x.inputs if isinstance(x, Graph) else nodes
    inputs = {n: names.of(n) for n in first if isinstance(n.op, Input) and n in needed}
    forward = [
        (short[n], names.of(n)) for n in nodes
        if n.inputs and names.owns(n) and short[n] in needed and _is_shown(short[n])
    ]  # fmt: skip
    shown = {n for n, _ in forward} | set(inputs)
    backward = [
        (short[kept[n]], names.of(n) + "_g", n.shape) for n in reversed(nodes)
        if n in kept and n is not output and names.owns(n)
        and (n in targets or (short[n] in shown and short[kept[n]] in needed
                              and short[kept[n]].inputs))
    ]  # fmt: skip
    told = {names.of(n): names.of(n) + "_g" for n in targets}
    if output in targets:
        backward.append((short[kept[output]], names.of(output) + "_g", output.shape))
    held = {made[t]: t for t in found if not t.inputs and type(t) is not Node}
    values = {name: np.array(held[n]._value) for n, name in inputs.items() if n in held}
    parts = {short[n]: names.of(n) for n in nodes if isinstance(short[n].op, Pick)}
    parts |= {g: name for g, name, _ in backward if isinstance(g.op, Pick)}
    return Program(forward, backward, inputs, values, loss, told, parts, names.taken)


def _labels(wrt: Any) -> dict[Any, str]:
    """What the parameters of a model are called: a layer, or a dict of tensors, tells by itself."""
    named = wrt.named_parameters() if hasattr(wrt, "named_parameters") else wrt
    if not isinstance(named, Mapping):
        return {}
    return {t: re.sub(r"^(\d)", r"layer\1", str(key)) for key, t in named.items()}


def _targets(found: list, made: dict, wrt: Any, labels: dict[Any, str]) -> dict[Node, str]:
    """What gradients are asked of, and how to call it in an error."""
    if wrt is None:
        wrt = [
            t for t in found
            if not t.inputs and t.dtype.kind == "f" and t.op.name != "fixed"
            and not isinstance(t.op, Constant)
        ]  # fmt: skip
    wrt = wrt if isinstance(wrt, (list, tuple)) else [wrt]
    asked: dict[Node, str] = {}
    for k, t in enumerate(wrt):
        named = t in labels if labels else False
        what = labels[t] if named else getattr(t, "name", None) or f"wrt[{k}]"
        if t not in made:
            raise PathError(f"code: the value does not depend on {what}; it has no gradient there")
        asked[made[t]] = what
    return asked


def _is_shown(node: Node) -> bool:
    one = isinstance(node.spec, Spec)  # a loop's values are named one by one where it is written
    return one and bool(node.inputs) and not isinstance(node.op, (Pick, BroadcastTo))


def shorter(nodes: list[Node], knows: Callable[[Any], bool]) -> dict[Node, Node]:
    """For every node what is written in its place: known ops, and as few as possible."""
    opened = fold(nodes, lambda node, *xs: _opened(node, xs, knows))
    singles = [n for n in nodes if isinstance(opened[n], Node)]
    short = simplify([opened[n] for n in singles])
    bare = fold(short, _bare)
    made = {n: bare[s] for n, s in zip(singles, short, strict=True)}
    return {n: made.get(n, n) for n in nodes}


def _opened(node: Node, xs: tuple, knows: Callable[[Any], bool]) -> Any:
    """The node itself, or what it consists of where there is no way to write its op."""
    op = node.op
    if not node.inputs:
        return node
    if isinstance(op, Pick) and isinstance(xs[0], tuple):
        return xs[0][op.index]
    if isinstance(op, Call):
        return tuple(fold_in(op.body, xs))
    if knows(op):
        return Node(op, xs)
    try:
        return unpack(op.forward(ops, *xs))
    except Exception:
        return Node(op, xs)  # whoever writes it says that it cannot be written


def fold_in(body: Graph, xs: tuple) -> list[Node]:
    """A body's outputs, made of these operands."""
    return [n for n in body.replay(xs)]


def _bare(node: Node, *xs: Node) -> Node:
    """The node without what changes nothing: broadcasts that its sign does by itself."""
    if node.op.name in OF_ONE and xs[0].spec == node.spec == Spec((), node.dtype):
        return xs[0]
    if not isinstance(node.op, Elementwise):
        return Node(node.op, xs) if xs else node
    bare = tuple(x.inputs[0] if isinstance(x.op, BroadcastTo) else x for x in xs)
    for mixed in (bare, *(_one_bare(xs, bare, k) for k in range(len(xs)))):
        if np.broadcast_shapes(*(x.shape for x in mixed)) == node.shape:
            return _product(node.op, mixed)
    return _product(node.op, xs)


def _product(op: Any, xs: tuple) -> Node:
    """Two numbers that scale one after the other are one number."""
    if op.name == "multiply" and isinstance(xs[0].op, Constant):
        k, inner = float(xs[0].op.value), xs[1]
        if inner.op.name == "multiply" and isinstance(inner.inputs[0].op, Constant):
            both = constant_node(k * float(inner.inputs[0].op.value), inner.dtype)
            return simplify([Node(op, (both, inner.inputs[1]))])[0]
    return Node(op, xs)


def _one_bare(xs: tuple, bare: tuple, k: int) -> tuple:
    return (*xs[:k], bare[k], *xs[k + 1 :])


class Names:
    """Names that are valid, free, and where possible the user's own."""

    def __init__(
        self, found: list, made: dict, nodes: list, short: dict, first: list[Node],
        labels: dict[Any, str],
    ):  # fmt: skip
        self.labels = labels
        owner: dict[Node, Node] = {}
        for n in (*first, *short):
            owner.setdefault(short[n], n)
        self.owners = set(owner.values())
        wanted = self._wanted(found, made, first[0])
        self.names: dict[Node, str] = {}
        self.taken = set(RESERVED)
        many = {w for w in wanted.values() if list(wanted.values()).count(w) > 1}
        for n, word in wanted.items():
            self._give(n, word, many)
        fixed = {made[t] for t in found if t.op.name == "fixed"}
        self._number(nodes, fixed)

    def owns(self, n: Node) -> bool:
        """Whether the name of what is written in its place is this node's to give."""
        return n in self.owners

    def of(self, n: Node) -> str:
        return self.names[n]

    def _wanted(self, found: list, made: dict, output: Node) -> dict[Node, str]:
        """The user's names: those given, and of the variables that values were assigned to."""
        wanted: dict[Node, str] = {}
        for t in found:
            if getattr(t, "name", None) or t in self.labels:
                wanted[made[t]] = t.name or self.labels[t]
        for t, word in assigned(found).items():
            if type(made[t]) is Node and made[t] not in wanted:
                wanted[made[t]] = word
        wanted.setdefault(output, "loss")
        return wanted

    def _give(self, n: Node, word: str, many: set) -> None:
        word = _identifier(word)
        name, k = (f"{word}1" if word in many else word), 1
        while name in self.taken or f"{name}_g" in self.taken:
            k += 1
            name = f"{word}{k}"
        self.names[n] = name
        self.taken |= {name, f"{name}_g"}

    def _number(self, nodes: list[Node], fixed: set[Node]) -> None:
        counts = {"u": 0, "c": 0, "x": 0, "w": 0, "b": 0}
        parts = roles(nodes)
        for n in nodes:
            if n in self.names or isinstance(n.op, Constant):
                continue
            letter = "u" if n.inputs else "c" if n in fixed else parts.get(n, "x")
            while True:
                counts[letter] += 1
                name = f"{letter}{counts[letter]}"
                if name not in self.taken:
                    break
            self.names[n] = name
            self.taken |= {name, f"{name}_g"}


def roles(nodes: Sequence[Any]) -> dict[Any, str]:
    """The letter of what a layer multiplies by, w, and adds, b: for parameters without a name."""
    found: dict[Node, str] = {}
    for n in nodes:
        if n.op.name == "linear":
            found |= dict(zip(n.inputs[1:], "wb", strict=True))
        elif isinstance(n.op, Scan):
            inside = roles(n.op.body.order)
            pairs = zip(n.inputs, n.op.body.inputs, strict=True)
            found |= {i: inside[k] for i, k in pairs if k in inside}
    for n in reversed(nodes):
        if n.op.name == "add" and found.get(n) == "b":  # two biases, added up first
            found |= dict.fromkeys(n.inputs, "b")
    return found


def assigned(found: Sequence[Any]) -> dict[Any, str]:
    """Tensors by the variable that the user's line assigns them to, the last of each line."""
    last: dict[Any, Any] = {}
    for t in found:
        if type(t) is not Node and t.inputs and t.line is not None:
            last[t.line[0], _statement(t)] = t
    return {t: word for (_, word), t in last.items() if word}


def _statement(t: Any) -> str | None:
    """The variable that the user's line assigns this value to, where it is `name = ...`."""
    source = Line(*t.line).source
    found = None if ";" in source else ASSIGNED.match(source)
    return found[1] if found and not ASKED.match(source, found.end() - 1) else None


def _identifier(word: str) -> str:
    """A label as a name that Python takes."""
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", word))
    if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
        name = f"v_{name}"
    return name if name.isidentifier() else "v"
