"""A model as plain data that a file can hold, and back: by the table of layers, and nothing else.

A layer is {"layer": its kind, "settings": {...}, "arrays": {its name: the name in the file}}, and
the layers inside under their fields. One that stands in several places is there once; the other
places are {"same": its path}. An array in several places has one name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ...eager.tensor import leaf
from ...graph.errors import CheckpointError
from ...graph.spelling import told_type, with_article
from ...nn.module import Module
from ...nn.statistics import Statistics
from .layers import KIND_OF, KINDS, Array, Kind
from .settings import MISSING, told_wrong
from .strict import Malformed, shown

Told = dict[str, Any]
DEEP = 50  # layers inside each other


def described(model: Module) -> tuple[Told, dict[str, np.ndarray]]:
    """A model's structure, and its arrays by the names that the structure gives them.

    The names are PyTorch's state-dict keys.
    Raises: CheckpointError for layers that a file cannot hold, with what to do.
    """
    found = _Described()
    told = found.layer(model, "", 0)
    try:
        checked(told, found.arrays)
    except Malformed as error:
        raise CheckpointError(f"save: the model cannot be saved: {error}") from None
    return told, found.arrays


class _Described:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.names: dict[int, str] = {}  # of arrays, by the identity of their tensor
        self.paths: dict[int, str] = {}  # of layers

    def layer(self, one: Any, path: str, depth: int) -> Told:
        if id(one) in self.paths:
            return {"same": self.paths[id(one)]}
        if type(one) not in KIND_OF:
            raise CheckpointError(_of_yours(one, path))
        if depth > DEEP:
            raise CheckpointError(f"save: {path} stands in more than {DEEP} layers, too deep")
        self.paths[id(one)] = path
        name = KIND_OF[type(one)]
        kind = KINDS[name]
        told: Told = {
            "layer": name,
            "settings": {key: _setting(one, key, kind, path) for key in kind.settings},
            "arrays": {key: self.array(value, f"{path}.{key}" if path else key)
                       for key, value in _arrays_of(one, kind)},
        }  # fmt: skip
        for field in kind.layers:
            value = getattr(one, field)
            if isinstance(value, tuple):
                told[field] = [
                    self.layer(part, f"{path}.{k}" if path else str(k), depth + 1)
                    for k, part in enumerate(value)
                ]
            else:
                told[field] = self.layer(value, f"{path}.{field}" if path else field, depth + 1)
        return told

    def array(self, value: Any, name: str) -> str | None:
        if value is None:
            return None
        if id(value) not in self.names:
            self.names[id(value)] = name
            self.arrays[name] = np.asarray(value.value)
        return self.names[id(value)]


def _setting(one: Any, key: str, kind: Kind, path: str) -> Any:
    rule, value = kind.settings[key], getattr(one, key)
    told = rule.to_file(value)
    if told is MISSING:
        raise CheckpointError(
            f"save: {type(one).__name__}{f' {path}' if path else ''}: "
            f"{told_wrong(key, rule, value)}, to be put in a file; {ADVICE}"
        )
    return told


ADVICE = (
    "save the numbers alone, cr.save(model.state_dict(), path), and load them into the model that "
    "your program makes, model = cr.load(path, into=model)"
)


def _of_yours(one: Any, path: str) -> str:
    where = f"layer {path}" if path else "the model"
    what = f"{told_type(one)}, a class of yours"
    if not isinstance(one, Module):
        what = f"{told_type(one)} and no layer"
    return f"save: {where} is {what}, that a file cannot make again; {ADVICE}"


def _arrays_of(one: Any, kind: Kind) -> Iterator[tuple[str, Any]]:
    if kind.inside:
        yield from getattr(one, kind.inside).items()
        return
    for field in fields(one):
        if field.name not in kind.settings and field.name not in kind.layers:
            yield field.name, getattr(one, field.name)


# ------------------------------------------------------------------ from a file


def checked(told: Any, arrays: Mapping[str, Any]) -> None:
    """Refuse a structure that is none, or that does not fit these arrays; nothing is made yet.

    Of the arrays only `shape` and `dtype` are looked at.
    Raises: Malformed.
    """
    paths: set[str] = set()
    used: set[str] = set()
    _check(told, "", arrays, paths, used)
    left = sorted(set(arrays) - used)
    if left:
        raise Malformed(f"its array {shown(left[0])} belongs to no layer of its structure")


def _check(told: Any, path: str, arrays: Mapping[str, Any], paths: set, used: set) -> None:
    where = f"layer {path}" if path else "its model"
    if type(told) is not dict:
        raise Malformed(f"{where} is no layer, but {shown(told)[:80]}")
    if set(told) == {"same"}:
        if type(told["same"]) is not str or told["same"] not in paths:
            raise Malformed(f"{where} is to be the same as {shown(told['same'])}, not there before")
        return
    name = told.get("layer")
    kind = KINDS.get(name) if type(name) is str else None
    if kind is None:
        raise Malformed(f"{where} is of the kind {shown(name)}, which is no layer of chainrule's")
    where += f", {with_article(str(name))}"
    wanted = {"layer", "settings", "arrays", *kind.layers}
    if set(told) != wanted:
        odd = sorted(set(told) ^ wanted)[0]
        raise Malformed(f"{where}, has {shown(odd)} too many or too few")
    paths.add(path)
    settings = _settings(told["settings"], kind, where)
    for field in kind.layers:
        for key, part in _parts(kind, field, told[field], where):
            _check(part, f"{path}.{key}" if path else key, arrays, paths, used)
    names = told["arrays"]
    if type(names) is not dict:
        raise Malformed(f"{where}, has no arrays")
    wrong = kind.wrong(settings, told)
    if wrong:
        raise Malformed(f"{where}: {wrong}")
    expected = kind.arrays(settings)
    if set(names) != set(expected):
        odd = sorted(set(names) ^ set(expected))[0]
        raise Malformed(f"{where}, has the array {shown(odd)} too many or too few")
    for key, array in expected.items():
        _fits(f"{where}: its {key}", names[key], array, arrays, used)


def _parts(kind: Kind, field: str, told: Any, where: str) -> Iterator[tuple[str, Any]]:
    if field != "layers":
        yield field, told
        return
    if type(told) is not list:
        raise Malformed(f"{where}, has no list of layers")
    yield from ((str(k), part) for k, part in enumerate(told))


def _settings(told: Any, kind: Kind, where: str) -> Told:
    if type(told) is not dict or set(told) != set(kind.settings):
        wanted = ", ".join(kind.settings) or "none"
        raise Malformed(f"{where}, has settings of other names; there are {wanted}")
    found = {}
    for key, rule in kind.settings.items():
        found[key] = rule.from_file(told[key])
        if found[key] is MISSING:
            raise Malformed(f"{where}: {told_wrong(key, rule, told[key])}")
    return found


def _fits(
    what: str, name: Any, array: Array, arrays: Mapping[str, Any], used: set[str]
) -> None:  # fmt: skip
    if name is None and array.optional:
        return
    if type(name) is not str or name not in arrays:
        raise Malformed(f"{what} is to be {shown(name)}, which is not in the file")
    used.add(name)
    found = arrays[name]
    anyone = array.shape == (-1,) and len(found.shape) == 1 and found.shape[0]
    if tuple(found.shape) != array.shape and not anyone:
        raise Malformed(f"{what} is {found.shape}, and its settings say {array.shape}")
    if found.dtype.kind != (array.statistics or "f"):
        raise Malformed(f"{what} is of {found.dtype}")


def built(told: Told, arrays: Mapping[str, np.ndarray]) -> Any:
    """The model of a structure that was `checked`, on these very arrays."""
    made: dict[str, Any] = {}
    tensors: dict[str, Any] = {}

    def array(name: str | None, wanted: Array) -> Any:
        if name is None:
            return None
        if wanted.statistics:
            return Statistics(arrays[name])
        if name not in tensors:
            tensors[name] = leaf(arrays[name])
        return tensors[name]

    def layer(told: Told, path: str) -> Any:
        if "same" in told:
            return made[told["same"]]
        kind = KINDS[told["layer"]]
        settings = {key: rule.from_file(told["settings"][key])
                    for key, rule in kind.settings.items()}  # fmt: skip
        parts: dict[str, Any] = {
            key: array(told["arrays"][key], wanted) for key, wanted in kind.arrays(settings).items()
        }
        values = {**settings, **({kind.inside: parts} if kind.inside else parts)}
        one = made[path] = object.__new__(kind.made)
        for field in kind.layers:
            inner = [layer(part, f"{path}.{key}" if path else key)
                     for key, part in _parts(kind, field, told[field], path)]  # fmt: skip
            values[field] = tuple(inner) if field == "layers" else inner[0]
        one.__dict__.update({f.name: values[f.name] for f in fields(kind.made)})
        return one

    return layer(told, "")
