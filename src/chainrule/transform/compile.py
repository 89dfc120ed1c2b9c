"""`compile`: a function over pytrees as one native call, traced once for each shape it meets."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial, update_wrapper
from types import MappingProxyType, MethodType
from typing import Any, overload

import numpy as np

from ..eager.tensor import WATCHER, Tensor, leaf
from ..graph.errors import DTypeError, UsageError
from ..graph.node import Input, Node
from ..graph.op import Spec
from ..graph.walk import capture
from .door import door
from .effects import asked, refuse_effects, surroundings
from .explained import Explained
from .forms import Form
from .probe import probed
from .settings import refuse_hidden, refuse_objects
from .trees import tree_flatten, tree_map, tree_unflatten
from .watch import function

VERSIONS = 64  # compiled forms of one function that are kept
DOORS = 8  # of one function
TRIES = 8  # of one form


@overload
def compile(
    f: None = None, *, donate: int | Sequence[int] = (), without: Collection[str] = (),
    threads: int | None = None, probes: Any = (),
) -> Callable[[Callable], Compiled]:  # fmt: skip
    """A decorator."""


@overload
def compile(
    f: Callable, *, donate: int | Sequence[int] = (), without: Collection[str] = (),
    threads: int | None = None, probes: Any = (),
) -> Compiled:  # fmt: skip
    """The function, compiled."""


def compile(
    f: Callable | None = None, *, donate: int | Sequence[int] = (), without: Collection[str] = (),
    threads: int | None = None, probes: Any = (),
) -> Any:  # fmt: skip
    """`f` as machine code: the same signature over pytrees, traced at the first call.

    Shapes and dtypes specialise: another one is compiled anew, and kept. Python floats and ints
    are numbers like any other; where the function needs an int as such (for a shape, for a
    range), or is handed a bool or a text, that value is part of what was compiled. Arrays that
    `f` reads from outside are read anew at every call, but what a name outside stands for is
    settled when `f` is traced. Handed tensors it gives tensors. Under another transform it is `f`
    itself. Without `f` it is a decorator: `@cr.compile(donate=0)`.

    `donate`: places of arguments whose arrays are given away. Results are then written into
    their memory where that is right, so that a training step needs no memory of its own; what
    these arrays hold afterwards is not said. `without`: names of passes to leave out, which
    gives the same values more slowly; for looking for faults. `threads`: how many cores a kernel
    may use; without it as many as CHAINRULE_NUM_THREADS, OMP_NUM_THREADS, OPENBLAS_NUM_THREADS
    or MKL_NUM_THREADS says, the first that is set, or all. The numbers are the same for any.
    `probes`: statistics of what `f` calls `cr.probe` on, names of them or a dict as `probed` takes
    it; `.probed` holds those of the last call.
    Raises: TracingError where the function asks for a value while there is none yet, and for what
    it does besides returning (a value kept outside, a number changed there, random numbers drawn);
    UsageError for a pass that there is not, or for threads that are no whole number from 1 on.

    >>> import chainrule as cr
    >>> step = cr.compile(lambda w, x: w - 0.1 * cr.grad(lambda w: cr.sum((w * x) ** 2))(w))
    >>> step(np.array([1.0, 2.0]), np.array([1.0, 0.5]))
    array([0.8, 1.9])
    """
    from ..read.native import switched_off, wanted

    if f is None:
        return partial(compile, donate=donate, without=without, threads=threads, probes=probes)
    if threads is not None:
        wanted(threads)
    places = tuple(donate) if isinstance(donate, Sequence) else (donate,)
    options = (places, switched_off(without), threads)
    if probes:
        return Probing(probed(function("compile", f), probes), *options)
    return Compiled(function("compile", f), *options)


class Compiled(Explained):
    """A function and its compiled forms, one for each structure, shapes and dtypes it met."""

    def __init__(
        self, f: Callable, donate: tuple[int, ...] = (), without: frozenset = frozenset(),
        threads: int | None = None,
    ):  # fmt: skip
        self.f, self.donate, self.without, self.threads = f, donate, without, threads
        self.versions: OrderedDict[Any, Version] = OrderedDict()
        self.forms: list[Form] = []  # what was compiled for, the last one last
        self.needs_ints = False
        self.door: Callable = self._in_python  # for forms met before, as machine code
        self.doors = 0
        update_wrapper(self, f)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.door(*args, **kwargs)

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        """As a method: what it belongs to is its first argument."""
        return self if owner is None else MethodType(self, owner)

    def __copy__(self) -> Compiled:
        return self  # as a function is its own copy

    def __deepcopy__(self, memo: dict) -> Compiled:
        return self

    def __reduce__(self) -> Any:
        """Its name where it is a global, otherwise `f` and the options: code is made anew."""
        module = sys.modules.get(getattr(self, "__module__", ""))
        name = getattr(self, "__qualname__", "")
        if name and getattr(module, name, None) is self:
            return name
        return type(self), (self.f, self.donate, self.without, self.threads)

    def _in_python(self, *args: Any, **kwargs: Any) -> Any:
        """A call whose arguments no door knows."""
        leaves, structure = tree_flatten((args, kwargs))
        found = self._read(leaves, structure)
        if found is None:
            return self.f(*args, **kwargs)
        key, arrays, tensors = found
        try:
            version = self.versions.get(key)
        except (TypeError, ValueError):  # a leaf that no two calls can be told apart by
            refuse_objects(leaves)
            raise
        if version is None:
            version = self._made(key, leaves, structure)
            if version is None:
                return self._in_python(*args, **kwargs)
        watcher = WATCHER.get()
        if watcher is not None:
            return self._watched(watcher, version, arrays, tensors, (args, kwargs))
        if version.calls:
            self._open(version, args, kwargs)
        version.calls += 1
        return version(arrays, tensors)

    def _read(self, leaves: list, structure: Any) -> tuple[tuple, list, bool] | None:
        """The key of a form, its arrays, and whether tensors are among them; of what is traced or
        remembered nothing, since that calls the function itself."""
        key, arrays, tensors = [structure], [], False
        for x in leaves:
            kind = type(x)
            if kind is np.ndarray:
                arrays.append(x)
                key.append((x.shape, x.dtype))
            elif kind is Tensor:
                if x.inputs or x.op.name == "watched":
                    return None
                tensors = True
                arrays.append(x._value)
                key.append((x.shape, x.dtype))
            elif kind is float or (kind is int and not self.needs_ints):
                arrays.append(x)
                key.append(kind)
            elif kind is Node:
                return None
            elif isinstance(x, (np.generic, np.memmap)):
                arrays.append(np.asarray(x))
                key.append((x.shape, x.dtype))
            else:
                key.append((kind, x))
        return tuple(key), arrays, tensors

    def _open(self, version: Version, args: tuple, kwargs: dict) -> None:
        """Make a door for arguments like these, where it is worth one.

        There are several where kinds change from call to call; the one made last is asked first,
        and all are closed when there are too many.
        """
        from ..read.native.door import patience

        if version.calls < patience() or version.tries == TRIES:
            return
        version.tries += 1
        if self.doors == DOORS:
            self.door, self.doors = self._in_python, 0
        made = door(version, (args, kwargs), self.door)
        if made is not None:
            self.door, self.doors = made, self.doors + 1

    def _watched(self, watcher: Any, version: Version, arrays: list, tensors: bool, given: Any):
        """Run, and if something is not finite again op by op, where it is named."""
        out = version([np.array(x) if type(x) is np.ndarray else x for x in arrays], tensors)
        if not all(map(_finite, tree_flatten(out)[0])):
            args, kwargs = tree_map(_replayed, given)
            self.f(*args, **kwargs)
            watcher.compiled(version.graph, version.values(arrays))
        return out

    def _made(self, key: tuple, leaves: list, structure: Any) -> Version | None:
        refuse_objects([x for x in leaves if type(x) is not np.ndarray])
        try:
            version = Version(self, leaves, structure)
        except Exception:  # an int may have been a key, a place in a list, an axis
            if self.needs_ints or not any(type(x) is int for x in leaves):
                raise
            self.needs_ints = True  # its ints are Python's own: once more, with them as they are
            return None
        self.versions[key] = version
        self.forms = [*self.forms[1 - VERSIONS :], Form(structure, key[1:])]
        if len(self.versions) > VERSIONS:
            self.versions.popitem(last=False)
            self.door, self.doors = self._in_python, 0
        return version


class Probing(Compiled):
    """A compiled function that looks at its probes: `probed` is what they said in the last call."""

    probed: Mapping[str, Mapping[str, Any]] = MappingProxyType({})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        made, self.probed = self.door(*args, **kwargs)
        return made


class Version:
    """One compiled form: what it takes, what it runs, and how its results are put together."""

    def __init__(self, of: Compiled, leaves: list, structure: Any):
        from ..read.native import native

        f, needs_ints = of.f, of.needs_ints
        inputs: list[Node] = []
        handed: list[Any] = []
        for x in leaves:
            made = _input(x, needs_ints)
            handed.append(x if made is None else made)
            inputs += [made] if made is not None else []
        self.needs_ints, self.calls, self.tries = needs_ints, 0, 0
        self.structure: Any = None
        self.results: list[Any] = []

        def traced(*nodes: Node) -> list[Node]:
            given = iter(nodes)
            args, kwargs = tree_unflatten(
                structure, [next(given) if type(h) is Node else h for h in handed]
            )
            before = surroundings(f, (args, kwargs))
            out, self.structure = tree_flatten(asked(f, args, kwargs))
            refuse_effects(f, before, (args, kwargs))
            refuse_hidden(f, [y for y in out if not computed(y)])
            self.results = out
            return [y for y in out if computed(y)]

        self.graph, self.outside = capture(traced, inputs)
        given = _given_away(of.donate, structure, [type(h) is Node for h in handed])
        self.run = native(self.graph, of.without, given, of.threads)
        self.weak = [n.weak for n in inputs]
        self.dtypes = [n.dtype for n in self.graph.inputs]
        self.shapes = [n.shape for n in self.graph.inputs]
        self.out_weak = [y.weak if type(y) is Node else False for y in self.results if computed(y)]

    def values(self, arrays: list) -> list[np.ndarray]:
        """What the graph's inputs are: the arguments' numbers, then what it reads from outside."""
        given = [
            _number(x, d) if type(x) is not np.ndarray or x.dtype != d else x
            for x, d in zip(arrays, self.dtypes, strict=False)
        ]
        for reference in self.outside:
            given.append(np.asarray(getattr(reference, "_value", reference)))
            k = len(given) - 1
            if (given[k].shape, given[k].dtype) != (self.shapes[k], self.dtypes[k]):
                raise UsageError(
                    f"compile: what the function reads from outside was {self.dtypes[k]} "
                    f"{self.shapes[k]} when it was compiled and is now {given[k].dtype} "
                    f"{given[k].shape}; hand it over as an argument"
                )
        return given

    def __call__(self, arrays: list, tensors: bool) -> Any:
        made = iter(self.run(*self.values(arrays)))
        weak = iter(self.out_weak)
        out = [
            _returned(next(made), next(weak), tensors) if computed(y) else y for y in self.results
        ]
        return tree_unflatten(self.structure, out)


def _given_away(donate: tuple[int, ...], structure: Any, inputs: list[bool]) -> list[int]:
    """Which inputs of the graph belong to the arguments at these places."""
    args, _ = tree_unflatten(structure, list(range(len(inputs))))
    if any(not isinstance(k, (int, np.integer)) or not 0 <= k < len(args) for k in donate):
        raise UsageError(
            f"compile: donate={donate}, but the function was called with {len(args)} arguments by "
            "place; they are counted from 0"
        )
    leaves = {x for k in donate for x in tree_flatten(args[k])[0]}
    return [sum(inputs[:x]) for x in sorted(leaves) if inputs[x]]


def _number(x: Any, dtype: np.dtype) -> np.ndarray:
    try:
        return np.array(x, dtype)
    except OverflowError:
        raise UsageError(
            f"compile: an argument is a whole number of {x.bit_length()} bits, more than {dtype} "
            "holds; hand over an array of floats"
        ) from None


def _input(x: Any, needs_ints: bool) -> Node | None:
    """A node that stands for an argument; None for one that is part of what is compiled."""
    if isinstance(x, (np.ndarray, np.generic, Tensor)):
        dtype = np.dtype(x.dtype).newbyteorder("=")
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise DTypeError(f"compile: an argument of {dtype}; give real numbers of up to 64 bits")
        return Node(Input(Spec(tuple(x.shape), dtype), getattr(x, "name", None) or ""))
    if type(x) is float or (type(x) is int and not needs_ints):
        return Node(Input(Spec((), np.dtype(type(x))), "", True))
    return None


def computed(y: Any) -> bool:
    """Whether a result is one of the graph's, not a setting that is handed back."""
    return isinstance(y, (Node, Tensor, np.ndarray, np.generic))


def _replayed(x: Any) -> Any:
    return leaf(x) if type(x) is np.ndarray and x.dtype.kind == "f" else x


def _finite(y: Any) -> bool:
    y = np.asarray(y._value if type(y) is Tensor else y)
    return y.dtype.kind != "f" or bool(np.isfinite(y).all())


def _returned(y: np.ndarray, weak: bool, tensors: bool) -> Any:
    if weak:
        return y.item()
    if tensors:
        return leaf(y)
    return y if y.ndim else y[()]
