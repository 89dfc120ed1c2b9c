"""`save` and `load`: a model in one safetensors file, its structure in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...eager.tensor import Tensor
from ...graph import caller
from ...graph.errors import ChainruleError, CheckpointError, UsageError
from ...graph.spelling import listed, told_type
from ...nn.module import Module
from . import container
from .strict import Malformed, read_json, shown
from .structure import built, checked, described

KEY = "chainrule"  # of the metadata: all that is not numbers, as JSON
FORMAT = 1
STATE = "~"  # what the names of a training's other arrays begin with


class CheckpointWarning(UserWarning):
    """A file was loaded, and something about it is worth knowing."""


class Model(NamedTuple):
    """What a model's file holds: the model, and what was told beside it."""

    model: Any
    told: dict[str, Any]


def save(model: Any, path: Any) -> None:
    """Write a model, or a dict of arrays, to one safetensors file: whole, or not at all.

    The file holds every parameter and running statistic under PyTorch's name, and the layers with
    their settings; `load` makes the same model of it, to the bit. Any program that reads
    safetensors reads the numbers. The same model gives the same bytes.
    Raises: CheckpointError for layers of your own, with what to do, and where the disk says no.

    >>> import tempfile, chainrule as cr
    >>> path = tempfile.mkdtemp() + "/model.safetensors"
    >>> cr.save(cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh()), path)
    >>> cr.load(path)
    Sequential(
      (0): Linear(in_features=2, out_features=3, init='glorot_uniform')
      (1): Tanh()
    )
    """
    if isinstance(model, Mapping):
        container.write(_path("save", path), _arrays(model), document(None, {}))
        return
    if not isinstance(model, Module):
        raise UsageError(
            f"save: of {told_type(model)}; give a layer, nn.Sequential(...), or the dict of "
            "arrays that model.state_dict() returns"
        )
    save_model(model, _path("save", path), {})


def save_model(model: Module, path: Path, told: dict[str, Any]) -> None:
    """Write a model, with plain data beside it."""
    structure, arrays = described(model)
    container.write(path, arrays, document(structure, told))


def document(structure: Any, told: dict[str, Any], **more: Any) -> dict[str, str]:
    """The metadata of a file: one entry of JSON."""
    data = {"format": FORMAT, "version": _version(), "model": structure, "told": told}
    return {KEY: json.dumps({**data, **more}, allow_nan=False, separators=(",", ":"))}


@cache
def _version() -> str:
    return version("chainrule")  # it reads a file, each time it is asked


def load(path: Any, into: Any = None) -> Any:
    """The model of a file; with `into`, a copy of that model with the numbers of the file.

    The file may be anyone's: nothing in it is run or imported, and what is no such file, or was
    damaged, is refused before anything large is made of it. Numbers that are not finite are loaded,
    with a warning that names them.
    Raises: CheckpointError for a file that cannot be read or believed, or holds no structure;
    UsageError and ShapeError where the file does not fit `into`.

    >>> import tempfile, chainrule as cr
    >>> path, model = tempfile.mkdtemp() + "/model.safetensors", cr.nn.Linear(2, 3, seed=1)
    >>> cr.save(model.state_dict(), path)  # numbers alone
    >>> again = cr.load(path, into=cr.nn.Linear(2, 3))
    >>> (again.weight.value == model.weight.value).all()
    np.True_
    """
    path = _path("load", path)
    if into is None:
        found = load_model(path).model
    else:
        if not isinstance(into, Module):
            raise UsageError(f"load: into={into!r}; give a model")
        found = filled(path, into, container.read(path, wanted=is_of_model).arrays)
    return found


def load_model(path: Path) -> Model:
    """The model of a file, and what was told beside it."""
    content = container.read(path, wanted=is_of_model)
    report_not_finite(path, content.arrays)
    try:
        found = read_document(content)
    except Malformed as error:
        raise CheckpointError(f"{path} cannot be loaded: {error}") from None
    return model_of(path, found, content.arrays)


def model_of(path: Path, found: dict[str, Any], arrays: dict[str, np.ndarray]) -> Model:
    """The model in the metadata and arrays of a file.

    Raises: CheckpointError where there is none, or none that fits its arrays.
    """
    try:
        if found.get("model") is None:
            raise Malformed(
                "it holds numbers, and does not say of which layers; make the model, and load them "
                "into it: cr.load(path, into=model)"
            )
        told = found.get("told", {})
        if type(told) is not dict:
            raise Malformed(f"what is told in it is {shown(told)[:80]}")
        checked(found["model"], arrays)
    except Malformed as error:
        raise CheckpointError(f"{path} cannot be loaded: {error}") from None
    return Model(built(found["model"], arrays), told)


def read_document(content: container.Content) -> dict[str, Any]:
    """The JSON in the metadata; {} where there is none of ours.

    Raises: Malformed for what is no JSON, or of a later version.
    """
    text = content.metadata.get(KEY)
    if text is None:
        return {}
    found = read_json(text, content.budget)
    if type(found) is not dict or type(found.get("format")) is not int:
        raise Malformed("what it says of its model has no format")
    if found["format"] != FORMAT:
        raise Malformed(
            f"it is of format {found['format']}, and this version of chainrule reads {FORMAT}; "
            f"install the version that wrote it, {shown(found.get('version'))[:40]}, or a later one"
        )
    return found


def filled(path: Path, into: Module, arrays: dict[str, np.ndarray]) -> Any:
    """A copy of `into` with the arrays of a file."""
    report_not_finite(path, arrays)
    given = dict(arrays)
    places: dict[int, str] = {}
    for name, one in into.named_parameters().items():  # what stands twice is in the file once
        first = places.setdefault(id(one), name)
        if first != name and name not in given and first in given:
            given[name] = given[first]
    try:
        return into.load_state_dict(given)
    except ChainruleError as error:
        said = str(error).partition("\n  made at")[0].removeprefix("load_state_dict: ")
        raise type(error)(f"load: {path} does not fit the model: {said}") from None


def is_of_model(name: str) -> bool:
    """Whether an array of a file is the model's, and not the training's."""
    return not name.startswith(STATE)


def report_not_finite(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Warn of parameters that hold NaN or infinities."""
    found = []
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            nan, inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
            told = " and ".join(f"{n} {w}" for n, w in ((nan, "NaN"), (inf, "infinite")) if n)
            found.append(f"{shown(name)[1:-1]} has {told} of {array.size}")
    if found:
        caller.warn(
            f"{path} holds numbers that are not finite: {listed(found, 8)}",
            CheckpointWarning,
        )


def _path(what: str, given: Any) -> Path:
    try:
        return Path(given)
    except TypeError:
        raise UsageError(f"{what}: the path is {given!r}; give the name of a file") from None


def _arrays(given: Mapping) -> dict[str, np.ndarray]:
    found = {}
    for name, value in given.items():
        if not isinstance(name, str) or name.startswith(STATE) or not isinstance(
            value, (np.ndarray, np.generic, Tensor)
        ):  # fmt: skip
            raise UsageError(
                f"save: {name!r}: {type(value).__name__}; give arrays by name, as "
                "model.state_dict() returns them"
            )
        found[name] = np.asarray(value.value if isinstance(value, Tensor) else value)
    return found
