"""Which layer computed what: read from what layers remember of their calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..eager.tensor import Tensor
from ..graph.walk import order
from ..nn.module import Module
from ..transform.trees import tree_leaves
from .graph.folding import Grouping

SIZES = (  # the settings that say from how many values to how many a layer goes
    ("in_features", "out_features"),
    ("input_size", "hidden_size"),
    ("in_channels", "out_channels"),
    ("num_embeddings", "embedding_dim"),
)


@dataclass(eq=False)
class Group:
    """One call of a layer: its own nodes, and the calls within it.

    `name` is where the layer stands in the model, as in `named_parameters`.
    """

    name: str
    module: Module
    made: tuple[Tensor, ...]
    given: tuple[Any, ...]
    nodes: list[Tensor] = field(default_factory=list)
    children: list[Group] = field(default_factory=list)
    again: int = 1  # which call of this layer it is
    inner: bool = False  # whether another layer called it

    @property
    def key(self) -> str:
        """What tells it from all others."""
        return f"{self.name or 'model'}" + (f" call {self.again}" if self.again > 1 else "")

    @property
    def title(self) -> str:
        """The layer's place, its kind, its sizes.

        >>> import numpy as np
        >>> import chainrule as cr
        >>> made = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh())(np.ones((5, 2), "f4"))
        >>> [child.title for child in groups(made)[0].children]
        ['0  Linear 2→3', '1  Tanh']
        """
        again = f", call {self.again}" if self.again > 1 else ""
        return (f"{self.name}  " if self.inner else "") + kind_of(self.module) + again

    @property
    def parameters(self) -> int:
        """How many numbers the layer learns."""
        return sum(p.size for p in self.module.parameters())

    @property
    def told(self) -> str:
        """Its parameters and shapes in words."""
        count = self.parameters
        given = [x for x in tree_leaves(self.given) if hasattr(x, "shape")]
        parts = [_shapes(given)] if given else []
        learned = f"{count:,} parameters" if count else "no parameters"
        return f"{learned}; {' → '.join([*parts, _shapes(self.made)])}"

    def all(self) -> Iterator[Group]:
        """This group and every one within it, the outer ones first."""
        yield self
        for child in self.children:
            yield from child.all()


def kind_of(module: Any) -> str:
    """What a layer is, with its sizes: Linear 784→128."""
    function = getattr(module, "function", None)
    name = type(module).__name__
    if name == "Function":
        return getattr(function, "__name__", "function")
    for a, b in SIZES:
        if hasattr(module, a) and hasattr(module, b):
            return f"{name} {getattr(module, a)}→{getattr(module, b)}"
    return name


def _shapes(values: Sequence[Any]) -> str:
    return ", ".join(str(tuple(x.shape)) for x in values)


def groups(output: Any) -> list[Group]:
    """The layers that a value was computed by, the outermost ones, with all that is in them.

    `output` is a tensor, or several. Values that no layer computed are in no group.
    """
    outputs = (output,) if isinstance(output, Tensor) else tuple(output)
    found = _calls(outputs)
    within = {id(g): set(_between(g)) for g in found}
    found.sort(key=lambda g: -len(within[id(g)]))  # of equal ones the outer stands first
    owner: dict[Tensor, Group] = {}
    tops: list[Group] = []
    for g in found:
        around = owner.get(g.made[0])
        for n in within[id(g)]:
            if owner.get(n) is around:
                owner[n] = g
        g.inner = around is not None
        (tops if around is None else around.children).append(g)
    place = {n: k for k, n in enumerate(order(outputs))}
    for n in place:
        if n in owner:
            owner[n].nodes.append(n)
    tops.sort(key=lambda g: place[g.made[0]])
    _name_tops(tops)
    _named(tops, place, {})
    return tops


def _name_tops(tops: list[Group]) -> None:
    """One model needs no name; several are called by their kind."""
    several = list({id(g.module): g.module for g in tops}.values())
    if len(tops) < 2:
        return
    kinds = [type(m).__name__ for m in several]
    names = {
        id(m): kind + (f" {kinds[:k].count(kind) + 1}" if kinds.count(kind) > 1 else "")
        for k, (m, kind) in enumerate(zip(several, kinds, strict=True))
    }
    for g in tops:
        g.name = names[id(g.module)]


def _calls(outputs: Sequence[Tensor]) -> list[Group]:
    """Every call that made one of the nodes, an outer one before those in it."""
    found: dict[tuple, Group] = {}
    for n in order(outputs):
        calls = getattr(n, "_calls", None) if type(n) is Tensor else None
        while calls is not None:
            module, given, calls = calls
            # A tuple is what one call was given, shared by all that it made.
            alone = () if type(given) is tuple else (id(n),)
            given = given if type(given) is tuple else (given,)
            key = (id(module), *map(id, given), *alone)
            if key in found:
                found[key].made += (n,)
            else:
                found[key] = Group("", module, (n,), given)
    return list(found.values())


def _between(g: Group) -> Iterator[Tensor]:
    """What was computed between a call's arguments and its outputs."""
    given = tree_leaves(g.given)
    before = {x for x in given if type(x) is Tensor}
    for n in order(g.made, before):
        if n.inputs and n not in before:
            yield n


def _named(level: list[Group], place: dict, calls: dict[str, int]) -> None:
    """Names by the place of each layer in the layer around it."""
    for g in level:
        calls[g.name] = g.again = calls.get(g.name, 0) + 1
        g.children.sort(key=lambda child: place[child.made[0]])
        names = {id(child): name for name, child in _inside(g.module)}
        for child in g.children:
            own = names.get(id(child.module), type(child.module).__name__)
            child.name = f"{g.name}.{own}".lstrip(".")
        _named(g.children, place, calls)


def _inside(module: Module) -> Iterator[tuple[str, Module]]:
    """Every layer inside, those next to it last: where one stands twice, the short name wins."""
    for name, child in module.children():
        yield from ((f"{name}.{deeper}", layer) for deeper, layer in _inside(child))
    yield from module.children()


def learned(output: Any) -> dict[Tensor, str]:
    """The parameters of all layers that a value was computed by, each with its name.

    A name is the one in `named_parameters`, after that of the model where there are several.
    """
    return {
        p: f"{g.name}.{name}".lstrip(".")
        for g in groups(output) for name, p in g.module.named_parameters().items()
    }  # fmt: skip


def grouping(outputs: Sequence[Any]) -> Grouping:
    """The boxes of a drawing of these values: a box for each call of a layer.

    A model that is alone has none: it would hold everything.
    """
    made = groups([y for y in outputs if type(y) is Tensor])
    path: dict[Any, tuple] = {}
    titles: dict[Any, str] = {}

    def enter(g: Group, above: tuple) -> None:
        titles[g.key] = g.title
        path.update(dict.fromkeys(g.nodes, (*above, g.key)))
        for child in g.children:
            enter(child, (*above, g.key))

    for g in made[0].children if len(made) == 1 else made:
        enter(g, ())
    return Grouping(path, titles)
