"""A network from the user's own Python file, `FILE.py:name`: a layer, or a function that makes one.

The file is the user's program and is run as one. It is named on the command line or in a settings
file of the user's, never in the files of a run.
"""

from __future__ import annotations

from inspect import isfunction, signature
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..graph.errors import UsageError
from ..graph.spelling import counted, did_you_mean, told_type
from ..nn import Module
from .target import FILE
from .userfile import its_own_errors, loaded

FIRST = ("model", "network", "net")  # what is meant where nothing is named


def is_file(text: str | None) -> bool:
    """Whether a text names a Python file, and not layers."""
    return text is not None and FILE.fullmatch(text.strip()) is not None


def from_file(text: str, facts: dict[str, Any]) -> Module:
    """The network that a file holds under this name, or makes of what it asks for by name.

    `facts` are what a function may ask for: inputs, outputs, seed.
    Raises: UsageError (no such file or name), UserFileError with the file's own line.
    """
    found = FILE.fullmatch(text.strip())
    assert found is not None
    path = Path(found["path"])
    module = loaded(path)
    name, made = _named(path, module, found["function"])
    if isfunction(made):
        made = _called(path, name, made, facts)
    if not isinstance(made, Module) or isinstance(made, type):
        what = f"the class {name}" if isinstance(made, type) else told_type(made)
        raise UsageError(
            f"{path}:{name} is {what}; it must be a network, such as chainrule.nn.Sequential(...), "
            "or a function that returns one"
        )
    return made


def check_outputs(text: str, model: Module, example: np.ndarray, needed: int, why: str) -> None:
    """Send one example, (1, …), through a network from a file, before anything is trained.

    `why` is what so many outputs are needed for, "for regression".
    Raises: UsageError where it has others; UserFileError with the file's own line.
    """
    found = FILE.fullmatch(text.strip())
    assert found is not None
    with its_own_errors(Path(found["path"])), np.errstate(all="ignore"):
        made = np.shape(model(example))
    if made == (1, needed) or (needed == 1 and made == (1,)):
        return
    got = counted(made[1], "output") if len(made) == 2 and made[0] == 1 else f"the shape {made}"
    raise UsageError(
        f"{text.strip()}: the network gives {got} for one example of shape {example.shape[1:]}; "
        f"{why} it needs {counted(needed, 'output')}: end it with nn.Linear(..., {needed})"
    )


def _named(path: Path, module: ModuleType, asked: str | None) -> tuple[str, Any]:
    own = [n for n, v in vars(module).items() if isinstance(v, Module)]
    own += [n for n, v in vars(module).items()
            if isfunction(v) and v.__module__ == module.__name__ and n[0] != "_"]  # fmt: skip
    listed = f"it has {', '.join(own)}" if own else "there is no network in it"
    if asked:
        if not hasattr(module, asked):
            raise UsageError(f"{path} has no {asked}; {did_you_mean(asked, own, listed)}")
        return asked, getattr(module, asked)
    for name in (*FIRST, *(own if len(own) == 1 else ())):
        if name in own:
            return name, getattr(module, name)
    raise UsageError(f"{path}: which network? {path}:NAME; {listed}")


def _called(path: Path, name: str, function: Any, facts: dict[str, Any]) -> Any:
    parameters = signature(function).parameters.values()
    wanted = [p.name for p in parameters if p.default is p.empty or p.name in facts]
    unknown = [n for n in wanted if n not in facts]
    if unknown:
        raise UsageError(
            f"{path}:{name} asks for {unknown[0]}; it is told {', '.join(facts)}, by these names"
        )
    with its_own_errors(path):
        return function(**{n: facts[n] for n in wanted})
