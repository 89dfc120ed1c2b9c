"""The state of a training as the metadata and arrays of one file, and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ...graph.errors import ChainruleError, CheckpointError
from ..state import State
from .container import Content
from .models import (
    STATE,
    document,
    filled,
    is_of_model,
    model_of,
    read_document,
    report_not_finite,
)
from .strict import Malformed
from .structure import described
from .values import Kept, again

# What the parts of a state are; an optimiser's is whatever it keeps.
FIELDS: dict[str, Any] = {
    "optimizer": object, "rng": dict, "epoch": int, "step": int, "order": np.ndarray, "at": int,
    "sums": dict, "rows": list, "callbacks": dict, "terms": dict,
}  # fmt: skip


def to_file(state: State, told: dict[str, Any]) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """A state as the metadata and the arrays of one file."""
    kept = Kept(STATE)
    told_state = {name: kept.told(getattr(state, name), name) for name in FIELDS}
    told_too = kept.told(dict(told), "told")
    structure: Any = None
    try:
        structure, arrays = described(state.model)
    except CheckpointError:  # layers of the user's, who will make the model again
        arrays = state.model.state_dict()
    return document(structure, told_too, state=told_state), {**kept.arrays, **arrays}


def from_file(path: Path, content: Content, into: Any) -> tuple[State, Any]:
    """The state in what was read, its model a copy of `into` where one is given; and what was told.

    Raises: CheckpointError for what is no state, or one of another model.
    """
    own = {name: a for name, a in content.arrays.items() if is_of_model(name)}
    rest = {name: a for name, a in content.arrays.items() if not is_of_model(name)}
    try:
        found = read_document(content)
        parts = found.get("state")
        if type(parts) is not dict or set(parts) != set(FIELDS):
            raise Malformed("it holds a model, and no state of a training")
        values = {name: again(parts[name], rest) for name in FIELDS}
        _check(values)
        told = again(found.get("told"), rest)
    except Malformed as error:
        raise CheckpointError(f"{path} cannot be loaded: {error}") from None
    if into is None:
        report_not_finite(path, own)
        model = model_of(path, found, own).model
    else:
        model = _taken_up(path, found, own, into)
    return State(model, **values), told


def _check(values: dict[str, Any]) -> None:
    """Refuse a state whose parts are of other kinds than a training's."""
    for name, kind in FIELDS.items():
        value = values[name]
        right = type(value) is kind or kind is object
        if kind is int:
            right = right and value >= 0
        if kind is np.ndarray:
            right = right and value.ndim == 1 and value.dtype.kind == "i"
        if not right:
            raise Malformed(f"its training has {name} of {type(value).__name__}, which is none")


def _taken_up(path: Path, document: dict, arrays: dict[str, np.ndarray], into: Any) -> Any:
    """A copy of the training's own model with the numbers that were saved."""
    then = document.get("model")
    try:
        if then is not None and then != json.loads(json.dumps(described(into)[0])):
            raise CheckpointError("its layers or their settings are others")
        return filled(path, into, arrays)
    except ChainruleError as error:
        said = str(error).partition("\n  made at")[0]
        raise CheckpointError(f"{path} is of another model: {said}; {anew(path.parent)}") from None


def anew(folder: Path) -> str:
    """What to do where a folder holds another training."""
    return (
        "give this training a folder of its own, or write "
        f"Checkpoints({str(folder)!r}, resume=False) to begin anew"
    )
