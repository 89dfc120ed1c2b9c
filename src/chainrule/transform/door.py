"""The door of a compiled form: a function that takes arguments like those, without Python.

Here the sheet is written that the machine code of `read.native.door` walks along: a record for each
part of the arguments, for each result, and for each part of what is returned. Whatever has no
record there (another kind of dictionary, an array of another library) has no door, and is served by
Python as before, with the same results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optree

from ..eager.tensor import WATCHER, Tensor, leaf
from ..graph.node import Node
from .trees import NAMESPACE, tree_unflatten

LONG = 2e-5  # seconds from which on other threads of Python may run meanwhile
MOST = 4096  # arguments and results: they have room on the stack, 24 bytes each
WEAK = {"f8": "make_float", "i8": "make_int", "b1": "make_bool"}
NUMBERS = {float: "take_float", int: "take_int"}


class NoDoorError(Exception):
    """Something has no record."""


class Sheet:
    """The words, as they are written, and what they speak of, which must stay alive."""

    def __init__(self, kinds: dict[str, int]):
        self.kinds = kinds
        self.kept: list[Any] = []

    def of(self, x: Any) -> int:
        """The address of an object."""
        self.kept.append(x)
        return id(x)

    def record(self, kind: str, *words: int) -> list[int]:
        """A record by the name of its function."""
        return [self.kinds[kind], *words]


def door(version: Any, given: tuple[tuple, dict], otherwise: Callable) -> Callable | None:
    """A function for arguments like these; all others it hands on. None where there is none."""
    from ..read.native.door import gate

    found = gate()
    run = version.run
    if found is None or getattr(run, "only", None) is None or (run.trouble and run.into):
        return None
    if len(run.objects) > MOST:
        return None
    sheet = Sheet(found.kinds)
    try:
        words = _words(sheet, version, given, otherwise)
    except (NoDoorError, RecursionError):
        return None
    return found.door(words, (run, *sheet.kept))


def _words(sheet: Sheet, version: Any, given: tuple, otherwise: Callable) -> list[int]:
    from ..read.native.door import HEAD

    args, kwargs = given
    run = version.run
    arguments = _Arguments(sheet, version)
    values = {k: arguments.taken(v) for k, v in zip(range(len(args)), args, strict=True)}
    values |= {k: arguments.taken(kwargs[k]) for k in sorted(kwargs)}  # as optree has them
    records = [w for k in (*range(len(args)), *kwargs) for w in values[k]]
    for reference in version.outside:
        records += arguments.captured(reference)
    if arguments.slot != len(run.graph.inputs):
        raise NoDoorError
    records += _room(sheet, version, arguments.arrays)
    records += _Results(sheet, version, arguments.tensors).made(version)
    head = {
        "BY_PLACE": len(args), "GIVEN": len(args) + len(kwargs),
        "NAMES": sheet.of(tuple(kwargs)) if kwargs else 0,
        "OUTSIDE": len(version.outside), "OBJECTS": sheet.of(tuple(version.outside)),
        "BUFFERS": len(run.objects), "OUTS": len(run.outs), "ARENA": run.arena.ctypes.data,
        "GO": run.code.address("go"), "SHARED": int(run.took > LONG),
        "ACQUIRE": sheet.of(run.lock.acquire), "RELEASE": sheet.of(run.lock.release),
        "HELP": sheet.of(run.helped) if run.parallel else 0,
        "TROUBLE": run.code.address("trouble") if run.trouble else 0,
        "WATCHER": sheet.of(WATCHER), "NONE": id(None), "OTHERWISE": sheet.of(otherwise),
    }  # fmt: skip
    return [head[name] for name in HEAD[:-1]] + records


class _Arguments:
    """Records for what is handed in, slot by slot."""

    def __init__(self, sheet: Sheet, version: Any):
        self.sheet, self.version = sheet, version
        self.slot = 0
        self.arrays: set[int] = set()  # slots of arrays, which are memory that can be given away
        self.tensors = False

    def _next(self, shape: tuple, dtype: np.dtype) -> int:
        """The slot of the next input of the graph, which is of this shape and dtype."""
        k = self.slot
        self.slot += 1
        if (self.version.shapes[k], self.version.dtypes[k]) != (shape, dtype):
            raise NoDoorError
        return k

    def taken(self, x: Any) -> list[int]:
        """A part of the arguments."""
        kind = type(x)
        if kind is np.ndarray:
            return self.array(x)
        if kind is Tensor:
            return self.tensor(x)
        record, of = self.sheet.record, self.sheet.of
        if kind is float or (kind is int and not self.version.needs_ints):
            return record(NUMBERS[kind], id(kind), self._next((), np.dtype(kind)))
        if isinstance(x, np.generic):
            return record("take_number", of(kind), self._next((), x.dtype))
        if x is None:
            return record("take_same", id(None))
        if isinstance(x, np.ndarray):  # a subclass
            raise NoDoorError
        if optree.tree_is_leaf(x, namespace=NAMESPACE):
            return record("take_same", of(x))
        return self.container(x)

    def array(self, x: np.ndarray) -> list[int]:
        """An array: its slot is read where it is walked past."""
        usual = np.dtype(x.dtype.str)
        if x.dtype is not usual or not (x.flags.c_contiguous and x.flags.aligned):
            raise NoDoorError  # it would not be let in
        slot = self._next(x.shape, usual)
        self.arrays.add(slot)
        head = (id(np.ndarray), self.sheet.of(usual), x.ndim, slot)
        return self.sheet.record("take_array", *head, *x.shape)

    def tensor(self, x: Tensor) -> list[int]:
        """A tensor that nobody is watching, and that was not computed."""
        self.tensors = True
        record, of = self.sheet.record, self.sheet.of
        return [
            *record("take_having", id(Tensor), of("inputs"), of(x.inputs)),
            *record("take_having", id(Tensor), of("op"), of(x.op)),
            *record("take_attribute", id(Tensor), of("_value"), *self.array(x._value)),
        ]

    def captured(self, x: Any) -> list[int]:
        """What the function reads from outside."""
        if type(x) is np.ndarray:
            return self.array(x)
        if type(x) is Tensor:
            of = self.sheet.of
            inside = self.array(x._value)
            return self.sheet.record("take_attribute", id(Tensor), of("_value"), *inside)
        raise NoDoorError

    def container(self, x: Any) -> list[int]:
        """A container, or an object that is registered as one."""
        record, of, kind = self.sheet.record, self.sheet.of, type(x)
        parts, settings, names, _ = optree.tree_flatten_one_level(x, namespace=NAMESPACE)
        inside = [w for part in parts for w in self.taken(part)]
        if kind is tuple or kind is list:
            return record(f"take_{kind.__name__}", id(kind), len(parts), *inside)
        if kind is dict:
            return record("take_dict", id(dict), len(parts), *map(of, names), *inside)
        entry = _registered(kind)
        if entry is None:
            return record("take_tuple", of(kind), len(parts), *inside)
        apart = entry.flatten_func(x)
        if type(apart) is not tuple or type(apart[0]) is not tuple:
            raise NoDoorError
        head = (of(kind), of(entry.flatten_func), of(settings), id(tuple), len(parts))
        return record("take_apart", *head, *inside)


def _registered(kind: type) -> Any:
    """How objects of a class are taken apart and put together; None for named tuples."""
    entry = optree.register_pytree_node.get(kind, namespace=NAMESPACE)
    if entry is not None and entry.kind is optree.PyTreeKind.CUSTOM:
        return entry
    if optree.is_namedtuple_class(kind):
        return None
    raise NoDoorError


def _room(sheet: Sheet, version: Any, arrays: set[int]) -> Iterator[int]:
    """Records that make room for the results."""
    run = version.run
    inputs = len(run.graph.inputs)
    for k, (shape, dtype) in enumerate(run.outs):
        if run.into.get(k) in arrays:
            yield from sheet.record("out_given", inputs + k, run.into[k], inputs)
        elif shape:
            head = (inputs + k, sheet.of(np.dtype(dtype.str)), len(shape))
            yield from sheet.record("out_array", *head, *shape)
        else:
            yield from sheet.record("out_cell", inputs + k)


class _Results:
    """Records for what is returned; its leaves are numbered as the function returned them."""

    def __init__(self, sheet: Sheet, version: Any, tensors: bool):
        from .compile import computed

        self.sheet, self.version, self.tensors = sheet, version, tensors
        self.results = version.results
        self.slots: list[int | None] = []
        slot = len(version.run.graph.inputs)
        for y in self.results:
            self.slots.append(slot if computed(y) else None)
            slot += computed(y)
        self.first = len(version.run.graph.inputs)

    def made(self, version: Any) -> list[int]:
        """The record of the whole result."""
        tree = tree_unflatten(version.structure, [_Leaf(k) for k in range(len(self.results))])
        return self.part(tree)

    def part(self, x: Any) -> list[int]:
        """A part of the result."""
        record, of, kind = self.sheet.record, self.sheet.of, type(x)
        if kind is _Leaf:
            return self.leaf(x.k)
        if x is None:
            return record("make_same", id(None))
        parts, settings, _, together = optree.tree_flatten_one_level(x, namespace=NAMESPACE)
        if kind is dict:  # in the order in which they are to be put in
            inside = [w for value in x.values() for w in self.part(value)]
            return record("make_dict", of(tuple(x)), *record("make_tuple", len(x)), *inside)
        inside = [w for part in parts for w in self.part(part)]
        if kind is list:
            return record("make_list", len(parts), *inside)
        tuples = record("make_tuple", len(parts), *inside)
        if kind is tuple:
            return tuples
        if _registered(kind) is None:
            if str(getattr(kind.__new__, "__module__", "")).startswith("namedtuple_"):
                return [*record("make_by", of(tuple.__new__), 1, of(kind)), *tuples]
            return [*record("make_by", of(lambda values: kind(*values)), 0), *tuples]
        return [*record("make_by", of(together), 1, of(settings)), *tuples]

    def leaf(self, k: int) -> list[int]:
        """A result: computed, or the same each time."""
        slot, y = self.slots[k], self.results[k]
        record, of = self.sheet.record, self.sheet.of
        if slot is None:
            return record("make_same", of(y))
        shape, dtype = self.version.run.outs[slot - self.first]
        if type(y) is Node and y.weak:
            kind = WEAK.get(dtype.str[1:])
            if kind is None:
                raise NoDoorError
            return record(kind, slot)
        if shape:
            array = record("make_array", slot)
            return [*record("make_by", of(leaf), 0), *array] if self.tensors else array
        number = record("make_number", slot, of(np.dtype(dtype.str)))
        if self.tensors:
            return [*record("make_by", of(_tensor), 0), *number]
        return number


class _Leaf:
    """Where a result will stand."""

    def __init__(self, k: int):
        self.k = k


def _tensor(number: np.generic) -> Tensor:
    return leaf(np.asarray(number))
