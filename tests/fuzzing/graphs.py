"""A program as data: inputs, calls of our functions, outputs. It runs, and it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.transform import tree_leaves


@dataclass(frozen=True, eq=False)
class Given:
    """An input, with the value it is tried at: an array, or a plain Python number."""

    value: Any


@dataclass(frozen=True, eq=False)
class Step:
    """A call of one of our functions: the operands, then further arguments."""

    name: str
    operands: tuple[int, ...]
    args: tuple = ()
    settings: dict[str, Any] = field(default_factory=dict)
    body: Program | None = None  # of a loop, a branch, a recomputed part


@dataclass(frozen=True, eq=False)
class Program:
    """Inputs and steps by number, in order, and which of them are given back.

    `order` 1 asks for the gradients of a weighted sum of the outputs by every float input, 2 for
    the gradients of a weighted sum of those.
    """

    nodes: dict[int, Given | Step]
    outputs: tuple[int, ...]
    order: int = 0

    @property
    def inputs(self) -> list[int]:
        """The numbers of the inputs."""
        return [k for k, n in self.nodes.items() if isinstance(n, Given)]

    @property
    def given(self) -> list[Any]:
        """The values of the inputs."""
        return [n.value for n in self.nodes.values() if isinstance(n, Given)]

    @property
    def size(self) -> int:
        """How many steps it has, those of bodies included."""
        steps = [n for n in self.nodes.values() if isinstance(n, Step)]
        return len(steps) + sum(s.body.size for s in steps if s.body is not None)

    def values(self, given: Sequence[Any]) -> dict[int, Any]:
        """Every value, for values of the inputs."""
        found: dict[int, Any] = dict(zip(self.inputs, given, strict=True))
        for k, node in self.nodes.items():
            if isinstance(node, Step):
                found[k] = call(node, [found[o] for o in node.operands])
        return found

    def function(self) -> Callable[..., tuple]:
        """The program as a function of its inputs."""
        places = tuple(k for k, x in enumerate(self.given) if is_float(x))

        def outputs(*xs: Any) -> tuple:
            found = self.values(xs)
            return tuple(found[k] for k in self.outputs)

        def loss(*xs: Any) -> Any:
            return weighted(outputs(*xs))

        if not self.order:
            return outputs
        first = cr.value_and_grad(loss, argnums=places)
        if self.order == 1:
            return lambda *xs: tuple(tree_leaves(first(*xs)))
        second = cr.grad(lambda *xs: weighted(first(*xs)[1]), argnums=places)
        return lambda *xs: tuple(tree_leaves(second(*xs)))

    def pruned(self) -> Program:
        """Without what no output needs."""
        needed = set(self.outputs)
        for k in reversed(list(self.nodes)):
            node = self.nodes[k]
            if k in needed and isinstance(node, Step):
                needed |= set(node.operands)
        return replace(self, nodes={k: n for k, n in self.nodes.items() if k in needed})

    def __str__(self) -> str:
        return "\n".join(written(self))


def is_float(x: Any) -> bool:
    """Whether a gradient can be asked of it."""
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def weighted(ys: Any) -> Any:
    """A sum of all floats, each with a weight of its own."""
    total: Any = 0.0
    for y in tree_leaves(ys):
        if np.dtype(y.dtype).kind == "f":
            n = int(np.prod(y.shape))
            total = total + cr.sum(y * np.cos(np.arange(n)).reshape(y.shape).astype(y.dtype))
    return total


# Calls that are more than a function of its operands ------------------------------------------


def call(step: Step, xs: list[Any]) -> Any:
    """The value of a step."""
    if step.name == "pick":
        return xs[0][step.args[0]]
    if step.name in ("concat", "stack"):
        return getattr(cr, step.name)(xs, **step.settings)
    if step.body is not None:
        return BODIES[step.name](step, xs)
    return getattr(cr, step.name)(*xs, *step.args, **step.settings)


def _scan(step: Step, xs: list[Any]) -> tuple:
    carries, rows = step.args
    body = step.body

    def one(carry: tuple, x: tuple) -> tuple:
        found = body.values([*carry, *x, *xs[carries + rows :]])
        made = tuple(found[k] for k in body.outputs)
        return made[:carries], made[carries:]

    last, ys = cr.scan(one, tuple(xs[:carries]), tuple(xs[carries : carries + rows]),
                       **step.settings)  # fmt: skip
    return (*last, *ys)


def _checkpoint(step: Step, xs: list[Any]) -> Any:
    body = step.body
    return cr.checkpoint(lambda *xs: body.values(xs)[body.outputs[0]])(*xs)


def _cond(step: Step, xs: list[Any]) -> Any:
    body = step.body
    return cr.cond(
        xs[0],
        lambda *xs: body.values(xs)[body.outputs[0]],
        lambda *xs: body.values(xs)[body.outputs[0]] * 0.5,
        *xs[1:],
    )


BODIES = {"scan": _scan, "checkpoint": _checkpoint, "cond": _cond}

# As Python ------------------------------------------------------------------------------------

HEAD = ("import numpy as np", "from numpy import array, inf, nan", "import chainrule as cr", "")
TAIL = {
    0: ("g = f",),
    1: ("places = {places}", "g = cr.value_and_grad(lambda *xs: weighted(f(*xs)), places)"),
    2: ("places = {places}",
        "first = cr.grad(lambda *xs: weighted(f(*xs)), places)",
        "g = cr.grad(lambda *xs: weighted(first(*xs)), places)"),
}  # fmt: skip
WEIGHTED = (
    "def weighted(ys):",
    "    w = lambda y: np.cos(np.arange(int(np.prod(y.shape)))).reshape(y.shape).astype(y.dtype)",
    '    return sum(cr.sum(y * w(y)) for y in ys if y.dtype.kind == "f")', "",
)  # fmt: skip


def written(program: Program) -> Iterator[str]:
    """The program as Python that runs by itself and shows both results."""
    names = [f"v{k}" for k in program.inputs]
    places = tuple(k for k, x in enumerate(program.given) if is_float(x))
    yield from HEAD
    for k, x in zip(program.inputs, program.given, strict=True):
        yield f"v{k} = {literal(x)}"
    yield ""
    yield f"def f({', '.join(names)}):"
    yield from (f"    {line}" for line in _lines(program))
    yield f"    return {', '.join(f'v{k}' for k in program.outputs)},"
    yield ""
    if program.order:
        yield from WEIGHTED
    yield from (line.format(places=places) for line in TAIL[program.order])
    yield f"print(g({', '.join(names)}))"
    yield f"print(cr.compile(g)({', '.join(names)}))"


def _lines(program: Program) -> Iterator[str]:
    for k, node in program.nodes.items():
        if isinstance(node, Given):
            continue
        xs = [f"v{o}" for o in node.operands]
        if node.body is not None:
            yield from _with_body(k, node, xs)
        elif node.name == "pick":
            yield f"v{k} = {xs[0]}[{node.args[0]}]"
        else:
            xs = [f"[{', '.join(xs)}]"] if node.name in ("concat", "stack") else xs
            xs += [literal(a) for a in node.args]
            xs += [f"{name}={literal(x)}" for name, x in node.settings.items()]
            yield f"v{k} = cr.{node.name}({', '.join(xs)})"


def _with_body(k: int, node: Step, xs: list[str]) -> Iterator[str]:
    body = node.body
    names = [f"v{b}" for b in body.inputs]
    made = [f"v{b}" for b in body.outputs]
    inner = [f"    {line}" for line in _lines(body)]
    if node.name != "scan":
        yield f"def b{k}({', '.join(names)}):"
        yield from (*inner, f"    return {made[0]}")
        if node.name == "checkpoint":
            yield f"v{k} = cr.checkpoint(b{k})({', '.join(xs)})"
        else:
            rest = ", ".join(xs[1:])
            yield f"v{k} = cr.cond({xs[0]}, b{k}, lambda *xs: b{k}(*xs) * 0.5, {rest})"
        return
    carries, rows = node.args
    both = carries + rows
    listed = lambda names: f"({', '.join(names)}{',' * bool(names)})"  # noqa: E731
    # as defaults: a name of the body may be one of those outside
    rest = "".join(f", {name}={x}" for name, x in zip(names[both:], xs[both:], strict=True))
    yield f"def b{k}(carry, x{rest}):"
    for group, at in ((names[:carries], "carry"), (names[carries:both], "x")):
        if group:
            yield f"    {', '.join(group)}, = {at}"
    yield from inner
    yield f"    return {listed(made[:carries])}, {listed(made[carries:])}"
    more = "".join(f", {name}={x}" for name, x in node.settings.items())
    yield f"v{k} = cr.scan(b{k}, {listed(xs[:carries])}, {listed(xs[carries:both])}{more})"
    yield f"v{k} = (*v{k}[0], *v{k}[1])"


def literal(x: Any) -> str:
    """A value as Python."""
    if isinstance(x, np.ndarray):
        if not x.size:
            return f"np.zeros({x.shape}, {x.dtype.name!r})"
        if x.size > 4 and np.all(x == x.flat[0]) and not np.signbit(x.astype(float)).any():
            return f"np.full({x.shape}, {x.flat[0].item()!r}, {x.dtype.name!r})"
        return f"np.array({x.tolist()}, {x.dtype.name!r})"
    if isinstance(x, np.generic):
        return f"np.{x.dtype.name}({x.item()!r})"
    return repr(x)
