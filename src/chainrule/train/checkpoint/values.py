"""The state of a training as JSON and arrays: trees of numbers, texts, containers and records.

JSON's own kinds stand for themselves: null, true, text, whole numbers, floats (which it writes with
all their digits) and lists. All else is an object with one key that says what it is: {"tuple":
[...]}, {"dict": [[key, value], ...]}, {"array": name}, {"State": {...}}. What a name may be is a
fixed table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

import numpy as np

from ...eager.tensor import Tensor, leaf
from ...graph.errors import CheckpointError
from ...graph.spelling import told_type, with_article
from ...optim.accumulate import Accumulated
from ...optim.lbfgs import Memory
from ...optim.plateau import Plateau
from ...optim.transform import State
from .settings import NOT_FINITE
from .strict import Malformed, shown

# The records that optimisers keep; a name in a file is looked up here and nowhere else.
RECORDS: dict[str, Any] = {
    "State": State, "Accumulated": Accumulated, "Plateau": Plateau, "Memory": Memory,
}  # fmt: skip
_NAME_OF = {made: name for name, made in RECORDS.items()}
LARGEST = 2**63  # a whole number above it is written in hexadecimal
_AS_THEY_ARE = {type(None), bool, str}
ROWS = 4  # so many rows of one form are kept as columns


class Kept:
    """What is written: arrays come under names that begin with `prefix`."""

    def __init__(self, prefix: str):
        self.prefix = prefix
        self.arrays: dict[str, np.ndarray] = {}

    def told(self, value: Any, path: str) -> Any:
        """A value as JSON; `path` names its arrays and stands in messages.

        Raises: CheckpointError for what has no place in a file.
        """
        kind = type(value)
        if value is None or kind in (bool, str):
            return value
        if kind is int:
            return value if abs(value) < LARGEST else {"int": hex(value)}
        if kind is float:
            return value if isfinite(value) else {"float": str(value)}
        if isinstance(value, (np.ndarray, np.generic, Tensor)):
            return self.array(value, path)
        if kind is list:
            if len(value) >= ROWS and all(type(row) is dict and row for row in value):
                return {"rows": self.rows(value, path)}
            return [self.told(v, f"{path}/{k}") for k, v in enumerate(value)]
        if kind is tuple:
            return {"tuple": [self.told(v, f"{path}/{k}") for k, v in enumerate(value)]}
        if kind is dict:
            return {"dict": [[self.key(k, path), self.told(v, f"{path}/{k}")]
                             for k, v in value.items()]}  # fmt: skip
        if kind in _NAME_OF:
            fields = zip(kind._fields, value, strict=True)
            return {_NAME_OF[kind]: {k: self.told(v, f"{path}/{k}") for k, v in fields}}
        raise CheckpointError(
            f"the training's {path} is {told_type(value)}, which a file cannot hold; use numbers, "
            "texts, arrays, lists, tuples and dicts"
        )

    def array(self, value: Any, path: str) -> Any:
        held = value.value if isinstance(value, Tensor) else value
        if isinstance(held, np.str_):
            return str(held)
        found = np.asarray(held)
        if found.dtype.kind not in "fiub":
            raise CheckpointError(
                f"the training's {path} is an array of {found.dtype}, which a file cannot hold"
            )
        name = self.prefix + path
        while name in self.arrays:  # keys 1 and "1" of one dict
            name += "'"
        self.arrays[name] = found
        is_scalar = isinstance(value, np.generic)
        return {"tensor" if isinstance(value, Tensor) else "scalar" if is_scalar else "array": name}

    def key(self, key: Any, path: str) -> Any:
        if type(key) not in (str, int):
            raise CheckpointError(f"the training's {path} has the key {key!r}; use texts as keys")
        return key

    def rows(self, rows: list[dict], path: str) -> list:
        """Dicts of one form as columns: those of floats are one array, whatever their number."""
        found = []
        forms: dict[tuple, list] = {}  # the way to each value → row and values, of all such rows
        for row, (names, values) in enumerate(map(_flat, rows)):
            forms.setdefault(names, []).append((row, values))
        for number, (names, those) in enumerate(forms.items()):
            columns = [list(column) for column in zip(*(v for _, v in those), strict=True)]
            floats = [k for k, c in enumerate(columns) if set(map(type, c)) == {float}]
            here = f"{path}/{number}"
            rest = [
                [k, self.column(c, f"{here}/{k}")]
                for k, c in enumerate(columns)
                if k not in set(floats)
            ]
            told = {"columns": [list(name) for name in names], "rest": rest}
            if floats:
                block = np.array([columns[k] for k in floats], np.float64)
                told |= {"floats": floats, **self.array(block, here)}
            if len(forms) > 1:
                places = np.array([row for row, _ in those], np.int64)
                told["rows"] = self.array(places, f"{here}/rows")["array"]
            found.append(told)
        return found

    def column(self, values: list, path: str) -> Any:
        """Values of as many rows: one array, where they are arrays or NumPy's numbers alike."""
        if set(map(type, values)) <= _AS_THEY_ARE:
            return values
        if isinstance(values[0], (np.ndarray, np.generic)):
            forms = {(type(v), np.shape(v), getattr(v, "dtype", None)) for v in values}
            held = isinstance(values[0], np.generic) or np.ndim(values[0]) > 0
            if len(forms) == 1 and held and values[0].dtype.kind in "fiub":
                return self.array(np.stack(values), path)
        return [self.told(v, f"{path}/{row}") for row, v in enumerate(values)]


def _flat(row: dict) -> tuple[tuple, list]:
    """The ways to the values of nested dicts, and the values."""
    names: list[tuple] = []
    values: list = []
    _walk(row, (), names, values)
    return tuple(names), values


def _walk(part: dict, way: tuple, names: list, values: list) -> None:
    for key, value in part.items():
        if type(value) is dict and value and set(map(type, value)) == {str}:
            _walk(value, (*way, key), names, values)
        else:
            names.append((*way, key))
            values.append(value)


def again(told: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """The value that `Kept.told` gave this of.

    Raises: Malformed for what it never gives.
    """
    kind = type(told)
    if told is None or kind in (bool, str, int, float):
        return told
    if kind is list:
        return [again(v, arrays) for v in told]
    if kind is not dict or len(told) != 1:
        raise Malformed(f"its training holds {shown(str(told)[:40])}, which is no value of ours")
    ((name, inner),) = told.items()
    if name in RECORDS:
        made = RECORDS[name]
        if type(inner) is not dict or tuple(inner) != made._fields:
            raise Malformed(f"its training holds {with_article(name)} of other fields")
        return made(*(again(v, arrays) for v in inner.values()))
    if name not in _AGAIN:
        raise Malformed(f"its training holds {shown(name)}, which is no kind of value of ours")
    return _AGAIN[name](inner, arrays)


def _whole(told: Any, arrays: Any) -> int:
    try:
        return int(told, 16)
    except (TypeError, ValueError):
        raise Malformed(f"its training holds the number {shown(str(told)[:40])}") from None


def _float(told: Any, arrays: Any) -> float:
    if type(told) is not str or told not in NOT_FINITE:
        raise Malformed(f"its training holds the number {shown(str(told)[:40])}")
    return NOT_FINITE[told]


def _array(told: Any, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if type(told) is not str or told not in arrays:
        raise Malformed(f"its training holds the array {shown(str(told)[:40])}, not in the file")
    return arrays[told]


def _scalar(told: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    found = _array(told, arrays)
    if found.size != 1:
        raise Malformed(f"its training holds an array of {found.shape} where a number should stand")
    return found.reshape(())[()]


def _list(told: Any) -> list:
    if type(told) is not list:
        raise Malformed(f"its training holds {shown(str(told)[:40])} where a list should stand")
    return told


def _dict(told: Any, arrays: Mapping[str, np.ndarray]) -> dict:
    found: dict = {}
    for pair in _list(told):
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) not in (str, int):
            raise Malformed("its training holds a dict without keys")
        if pair[0] in found:
            raise Malformed(f"its training holds a dict with {shown(pair[0])} twice")
        found[pair[0]] = again(pair[1], arrays)
    return found


def _rows(told: Any, arrays: Mapping[str, np.ndarray]) -> list[dict]:
    found: dict[int, dict] = {}
    for part in _list(told):
        try:
            names, columns = part["columns"], {}
            if "floats" in part:
                block = _array(part["array"], arrays)
                columns = dict(zip(part["floats"], block.tolist(), strict=True))
            columns |= {k: _column(values, arrays) for k, values in part["rest"]}
            lines = list(zip(*(columns[k] for k in range(len(names))), strict=True))
            places = range(len(found), len(found) + len(lines))
            if "rows" in part:
                places = _array(part["rows"], arrays).tolist()
            made = [_nested(names, line) for line in lines]
            found |= dict(zip(places, made, strict=True))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise Malformed("its history is not made as ours are") from None
    if set(found) != set(range(len(found))):
        raise Malformed("its history has rows that are missing")
    return [found[row] for row in range(len(found))]


def _column(told: Any, arrays: Mapping[str, np.ndarray]) -> list:
    if type(told) is dict:
        return list(_array(told["array"], arrays))
    return [again(v, arrays) for v in told]


def _nested(names: list[list[str]], values: tuple) -> dict:
    row: dict = {}
    for way, value in zip(names, values, strict=True):
        place = row
        for key in way[:-1]:
            place = place.setdefault(key, {})
        place[way[-1]] = value
    return row


_AGAIN: dict[str, Callable[[Any, Any], Any]] = {
    "int": _whole, "float": _float, "array": _array, "scalar": _scalar,
    "tensor": lambda told, arrays: leaf(_array(told, arrays)),
    "tuple": lambda told, arrays: tuple(again(v, arrays) for v in _list(told)),
    "dict": _dict, "rows": _rows,
}  # fmt: skip
