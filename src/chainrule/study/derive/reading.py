"""A computation made ready to be derived: its values, what each is called, and who reads whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...graph.caller import Line
from ...graph.chain import on_path
from ...graph.namespace import XP
from ...graph.node import Captured, Constant, Input, Node, Pick
from ...graph.op import Spec
from ...graph.walk import order, users
from ...ops.contract import Matmul
from ...ops.family import BroadcastTo, Cast, Reshape
from ...ops.loop import Call, Cond
from ...ops.move import Concat
from ...ops.scan import Scan
from ...ops.slicing import Slice
from ...read.code.program import Names, _statement, as_graph
from ...read.symbols import symbol
from ...read.unfold import unfolded
from .refusals import MOST

# Ops that a formula does not show, or that have several values: they get no u of their own.
SILENT = (BroadcastTo, Cast)
LONGEST_LOOP = 40  # steps of a loop that are written out
OF_ONE = {
    "sum", "mean", "prod", "max", "min", "logsumexp", "reshape", "permute", "sum_to", "alias",
    "positive",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Reading:
    """Everything that sections are written from. `shown` values have a name and a line."""

    loss: Node
    targets: tuple[Node, ...]
    shown: tuple[Node, ...]  # computed values, operands first; the loss is the last
    leaves: tuple[Node, ...]
    names: dict[Node, str]  # of all that is shown, and of leaves
    symbols: dict[Node, str]  # the same as TeX
    stand: dict[Node, Node]  # for all that is shown, a symbol in its place; leaves for themselves
    means: dict[Node, Node]  # of all that is shown: the op, of the symbols of its operands
    values: dict[Node, Any] | None  # None where the graph holds no numbers
    path: frozenset[Node]  # what lies between a target and the loss, both included
    constants: dict[tuple, Node] = field(default_factory=dict)  # arrays that ops bring, by content

    @property
    def active(self) -> tuple[Node, ...]:
        """The shown values on the path, operands first."""
        return tuple(n for n in self.shown if n in self.path)

    @property
    def leaf_targets(self) -> tuple[Node, ...]:
        """What gradients are asked of and nothing computed."""
        return tuple(t for t in self.targets if not t.inputs)

    def operands(self, n: Node) -> list[Node]:
        """The shown values and leaves that a value is written with, in the order they are met."""
        back = {s: n for n, s in self.stand.items()}
        return [back[i] for i in order((self.means[n],)) if i in back and back[i] is not n]

    def value(self, n: Node) -> Any:
        """The numbers of a value, or None."""
        return None if self.values is None else self.values[n]


def read(loss: Any, wrt: Sequence[Any], labels: dict[Any, str], fold: bool) -> Reading:
    """The computation of `loss` as nodes, opened up and named."""
    found, _, made = as_graph(loss)
    new, values = _opened(found, made, fold)
    made = {t: new[n] if isinstance(n, Node) else tuple(new[i] for i in n) for t, n in made.items()}
    output: Any = made[loss]
    nodes = order((output,))
    targets: tuple[Any, ...] = tuple(made[w] for w in wrt)
    called = Names(found, made, nodes, {n: n for n in nodes}, [output, *targets], labels)
    own = _own_names(found, made, called, output)
    path = frozenset().union(*(on_path(nodes, t) for t in targets))
    single = all(n.size == 1 for n in nodes if isinstance(n.spec, Spec))
    shown = _shown(nodes, set(own) | _of_layers(found, made, fold), path, output, fold, single)
    if fold and len(shown) > MOST:  # not every layer, but what the user called
        stops = set(own) | _of_layers(_outside_of_layers(found), made, fold)
        shown = _shown(nodes, stops, path, output, fold, single)
    leaves = [n for n in nodes if not n.inputs and not isinstance(n.op, Constant)]
    named = {n: own.get(n) or called.of(n) for n in (*leaves, *shown)}
    symbols = _symbols(named)
    stand = {n: n for n in leaves} | {n: Node(Input(n.spec, named[n])) for n in shown}
    means = {n: _meaning(n, stand) for n in shown}
    return Reading(
        output, targets, tuple(shown), tuple(leaves), named, symbols, stand, means, values, path
    )


def _own_names(found: list, made: dict, called: Names, output: Node) -> dict[Node, str]:
    """The names that are the user's own: given to tensors, or of variables in their file."""
    own = {n: called.of(n) for n in called._wanted(found, made, output) if isinstance(n, Node)}
    for t in found:
        label = getattr(t, "name", None)
        if label and isinstance(made[t], Node):
            own[made[t]] = label
    if (own[output] == "loss" and not _says_loss(found[-1])) or _is_of_the_derivation(found[-1]):
        own[output] = "L" if "L" not in own.values() else "loss"
    seen: set[str] = set()
    for n, label in own.items():  # two of one name would be told apart by nothing
        own[n] = label = label if label not in seen else called.of(n)
        seen.add(label)
    return own


def _of_layers(found: list, made: dict, fold: bool) -> set[Node]:
    """What layers returned: where a folded derivation stops."""
    if not fold:
        return set()
    return {made[t] for t in found if _called(t) and isinstance(made[t], Node)}


def _called(t: Any) -> Any:
    """The layer that returned a tensor, with what it was given; None where there is none."""
    return getattr(t, "_calls", None)


def _outside_of_layers(found: list) -> list:
    """What was not computed inside of a layer's call."""
    inside: set = set()
    for t in found:
        if _called(t):
            given = _called(t)[1]
            handed = given if isinstance(given, (tuple, list)) else (given,)
            leaves = {x for x in handed if hasattr(x, "inputs")}
            inside |= set(order((t,), leaves)) - leaves - {t}
    return [t for t in found if t not in inside]


def _says_loss(loss: Any) -> bool:
    """Whether it is the user who calls it `loss`."""
    return bool(getattr(loss, "name", None)) or (
        loss.line is not None and bool(loss.inputs) and _statement(loss) == "loss"
    )


def _is_of_the_derivation(loss: Any) -> bool:
    """Whether the variable on the loss's line holds the derivation, not the loss."""
    place = None if getattr(loss, "name", None) else loss.line
    return place is not None and "derive(" in Line(*place).source


def _symbols(named: dict[Node, str]) -> dict[Node, str]:
    """Every name as TeX; where two become the same, the second stands upright."""
    found: dict[Node, str] = {}
    for n, name in named.items():
        tex = symbol(name)
        k = 1
        while tex in found.values():
            k += 1
            tex = symbol(f"{name}__{k}")
        found[n] = tex
    return found


def _shown(
    nodes: list[Node], own: set[Node], path: frozenset, output: Node, fold: bool, single: bool
) -> list[Node]:
    """The computed values that get a line of their own."""
    readers = users((output,))
    kept = []
    for n in nodes:
        if not n.inputs or not isinstance(n.spec, Spec):
            continue
        written_inside = fold or _is_silent(n, single) or _is_of_constants(n)
        named = n is output or n in own
        if named or not (written_inside or _is_half_an_affine_map(n, readers, own)):
            kept.append(n)
    return kept


def _is_silent(n: Node, single: bool) -> bool:
    return isinstance(n.op, SILENT) or (single and n.op.name in OF_ONE) or isinstance(n.op, Reshape)


def _is_half_an_affine_map(n: Node, readers: dict, own: set[Node]) -> bool:
    """A product that nobody but the addition of a bias reads, where their sum has a name."""
    read_by = readers[n]
    return isinstance(n.op, Matmul) and len(read_by) == 1 and (
        read_by[0] in own and read_by[0].op.name == "add"
    )  # fmt: skip


def _is_of_constants(n: Node) -> bool:
    return all(isinstance(i.op, Constant | Captured) for i in order((n,)) if not i.inputs)


def _meaning(n: Node, stand: dict[Node, Node]) -> Node:
    """What a value is made of, in terms of the symbols of what is shown."""
    made: dict[Node, Node] = {}
    for i in order((n,), {s for s in stand if s is not n}):
        if i is not n and i in stand:
            made[i] = stand[i]
        else:
            made[i] = Node(i.op, tuple(made[j] for j in i.inputs)) if i.inputs else i
    return made[n]


# ---------------------------------------------------------------- opening up what is closed


def _opened(found: list, made: dict, fold: bool) -> tuple[dict, dict | None]:
    """For every node what is read in its place, and the numbers of all of these.

    Loops become their steps, bodies that are computed once their nodes, of a branch stays the
    side that was taken, and a row taken out of rows that were stacked becomes the row.
    """
    values: dict[Node, Any] = {
        made[t]: t._value for t in found
        if isinstance(made[t], Node) and not t.inputs and type(t) is not Node
    }  # fmt: skip
    roots = [n for m in made.values() for n in (m if isinstance(m, tuple) else (m,))]
    new: dict[Node, Any] = {}
    for node in order(roots):
        xs = [new[i] for i in node.inputs]
        new[node] = _written_out(node, xs, values, fold) if xs else node
        _compute(new[node], values)
    flat = [n for m in new.values() for n in (m if isinstance(m, tuple) else (m,))]
    short: dict[Node, Node] = {}
    for node in order(flat):
        xs = [short[i] for i in node.inputs]
        short[node] = _short_way(node, xs) if xs else node
        _compute(short[node], values)
    found_in = {n: short[m] if isinstance(m, Node) else m for n, m in new.items()}
    complete = all(n in values for n in order(list(short.values())))
    return found_in, values if complete else None


def _number_of(leaf: Node) -> Any:
    if isinstance(leaf.op, Constant):
        return np.asarray(leaf.op.value)
    return np.asarray(leaf.op.reference) if isinstance(leaf.op, Captured) else None


def _compute(made: Any, values: dict) -> None:
    """Put the numbers of what was made beside it, as far as they are known."""
    with np.errstate(all="ignore"):
        for n in order(made if isinstance(made, tuple) else (made,), values):
            if n in values:
                continue
            if n.inputs and all(i in values for i in n.inputs):
                y = n.op.forward(XP, *(values[i] for i in n.inputs))
                values[n] = y if isinstance(y, tuple) else np.asarray(y)
            elif not n.inputs and _number_of(n) is not None:
                values[n] = _number_of(n)


def _written_out(node: Node, xs: list, values: dict, fold: bool) -> Any:
    op = node.op
    if isinstance(op, Pick) and isinstance(xs[0], tuple):
        return xs[0][op.index]
    if isinstance(op, Cond) and xs[0] in values:
        return tuple((op.then if values[xs[0]] else op.other).replay(xs[1:]))
    made = Node(op, tuple(xs))
    if isinstance(op, Call) or (isinstance(op, Scan) and not fold and op.length <= LONGEST_LOOP):
        return unfolded((made,))[made]
    return made


def _short_way(node: Node, xs: list[Node]) -> Node:
    """The node, or the row itself where it takes a row out of rows that were stacked."""
    op: Any = node.op
    x = xs[0]
    stacked = isinstance(op, Slice) and isinstance(x.op, Concat) and x.op.axis == 0 and all(
        isinstance(i.op, Reshape) and i.shape == (1, *i.inputs[0].shape) for i in x.inputs
    )  # fmt: skip
    if not stacked or not op.key or op.key[0][0] != "at":
        return Node(op, tuple(xs))
    row = x.inputs[op.key[0][1]].inputs[0]
    return row if len(op.key) == 1 else Node(Slice.of(op.key[1:]), (row,))
