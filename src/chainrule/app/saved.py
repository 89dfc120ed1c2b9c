"""A saved run as something to ask about: its model, on a few of its own examples, with its loss.

Everything is rebuilt from tables of ours (the layers and the losses by name): the files of a run
hold names and numbers, and no name in them is ever looked up anywhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..eager.namespace import tensor
from ..eager.tensor import FIXED, GIVEN, Tensor, leaf
from ..graph.errors import ChainruleError, CheckpointError, DataError, UsageError
from ..graph.spelling import counted, did_you_mean
from ..nn import Module
from ..nn.losses import LOSSES, loss_named
from ..study.formula import assignment
from ..train.checkpoint.models import Model, load_model
from ..train.folder import load_json
from ..transform.trees import tree_flatten, tree_unflatten
from .target import Target, one_number


def from_run(path: Path, assignments: tuple[str, ...] = ()) -> Target:
    """The loss of a run's model on the examples saved with it; `rows=2` takes two of them.

    Raises: UsageError (no such run), DataError (files that do not fit together).
    """
    folder = run_folder(path)
    rows = _rows(assignments)
    told = load_json(folder / "run.json")
    try:
        model, settings = rebuilt(folder).model, told["sample"]
        x, y = np.asarray(settings["x"], np.float32), np.asarray(settings["y"])
        count = len(x) if rows is None else min(rows, len(x))
        few = np.linspace(0, len(x) - 1, count).astype(int)  # of sorted rows, from all of them
        x, y = x[few], y[few]
        loss = told["loss"]
        if loss not in LOSSES:
            raise DataError(f"{folder}: {loss!r} is no loss of ours")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ChainruleError):
            raise
        raise DataError(
            f"{folder}: run.json does not hold all that is needed ({error!s}); it was written by "
            "an older version or changed since: train once more"
        ) from None
    named, variables = named_parameters(model)
    given = tensor(x, name="x")
    target = leaf(y.astype(np.float32) if y.dtype.kind == "f" else y, FIXED, "y")
    made = loss_named(loss)(named(given), target)
    title = f"{folder.name}: {loss} of {counted(len(x), 'example')}"
    found = one_number(title, made, {**variables, "x": given}, [])
    found.parameters = list(variables.values())
    return found


def _rows(assignments: tuple[str, ...]) -> int | None:
    rows = None
    for a in assignments:
        name, value = assignment(a)
        if name != "rows":
            advice = did_you_mean(name, ["rows"], "a run takes rows=N, how many examples")
            raise UsageError(f"a saved run has no value {name}; {advice}")
        number = value.item() if value.size == 1 else 0.5
        if number < 1 or number != int(number):
            raise UsageError(f"rows={a.partition('=')[2]}: give a whole number, 1 or more")
        rows = int(number)
    return rows


def run_folder(path: Path) -> Path:
    """The folder of a run, from its name or that of its run.json.

    Raises: UsageError with the runs that are near it.
    """
    folder = path.parent if path.name == "run.json" else path
    if (folder / "run.json").is_file():
        return folder
    if folder.is_dir():
        runs = sorted(p.name for p in folder.iterdir() if (p / "run.json").is_file())
        inside = f"; there are runs in it: {', '.join(runs[:6])}" if runs else ""
        raise UsageError(f"{folder} is no run: it has no run.json{inside}")
    beside = folder.parent.iterdir() if folder.parent.is_dir() else ()
    runs = [p.name for p in beside if (p / "run.json").is_file()]
    otherwise = f"there are {', '.join(sorted(runs)[:6])}" if runs else "no run is saved there"
    raise UsageError(f"there is no run {folder}; {did_you_mean(folder.name, runs, otherwise)}")


def rebuilt(folder: Path) -> Model:
    """The model of a run as it was trained, and what was told with it: how its data are prepared.

    Raises: DataError where its weights cannot be read, or believed.
    """
    try:
        return load_model(folder / "weights.safetensors")
    except CheckpointError as error:
        raise DataError(str(error).partition("\n")[0]) from None


def named_parameters(model: Module) -> tuple[Any, dict[str, Tensor]]:
    """The model with its parameters named w1, b1, w2, ... layer by layer, and those names."""
    names: dict[int, str] = {}
    count = 0
    for key, p in model.named_parameters().items():
        count += key.endswith("weight")
        names[id(p)] = f"{'w' if key.endswith('weight') else 'b'}{count}"
    leaves, structure = tree_flatten(model)
    made = [leaf(x._value, GIVEN, names[id(x)]) if id(x) in names else x for x in leaves]
    return tree_unflatten(structure, made), {str(x.name): x for x in made if isinstance(x, Tensor)}
