"""A function in the user's own Python file: found, given its arguments, called once.

The file is the user's program and is run as one; it is named on the command line, never in data.
"""

from __future__ import annotations

import inspect
import linecache
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..eager.namespace import tensor
from ..eager.tensor import GIVEN, Tensor, leaf
from ..graph.caller import HOUSE
from ..graph.errors import ChainruleError, UsageError
from ..graph.spelling import did_you_mean, told_type
from ..graph.walk import order
from ..nn.module import Module
from ..read.code.program import assigned, roles
from ..study.formula import assignment
from ..transform.trees import tree_flatten, tree_unflatten
from .target import Target, leaves_of, one_number

FIRST = ("loss", "cost", "main", "f")  # the function that is meant where none is named


class UserFileError(ChainruleError):
    """The user's own file went wrong; the message shows the line of it."""

    of_a_line = False


def from_file(path: Path, function: str | None, assignments: tuple[str, ...]) -> Target:
    """The target that a function of a file computes.

    Raises: UsageError (no such file, function or argument), UserFileError.
    """
    module = loaded(path)
    f = _function(path, module, function)
    typed = {a.partition("=")[0]: a.partition("=")[2] for a in assignments if "=" in a}
    for a in assignments:
        if "=" not in a:
            assignment(a)  # says how a value is written
    positional, named, variables = _arguments(f"{path.name}:{f.__name__}", f, typed)
    with its_own_errors(path), redirect_stdout(sys.stderr):
        made = f(*positional, **named)
    title = f"{path}:{f.__name__}"
    if not isinstance(made, Tensor):
        raise UsageError(
            f"{title} returned {_said(made)}; return the loss, a tensor computed with chainrule "
            "from the arguments or from chainrule.tensor(...)"
        )
    known = set(variables.values())
    taken = set(variables)
    parts = roles(order((made,)))
    for t in leaves_of(made):
        if t not in known:
            name = _free(t.name, taken) if t.name else _numbered(parts.get(t, "x"), taken)
            variables[name] = t
    made, twins = _named_by_lines(made)
    named = {n: twins.get(t, t) for n, t in variables.items()}
    found = one_number(title, made, named, [])
    given = signature(f).parameters.items()
    models = tuple(f"{n}_" for n, p in given if isinstance(p.default, Module))
    found.parameters = [t for n, t in named.items() if models and n.startswith(models)]
    return found


def _named_by_lines(made: Tensor) -> tuple[Tensor, dict[Tensor, Tensor]]:
    """The same computation, its values named by the variables that the file assigns them to."""
    found = order((made,))
    taken = {t.name for t in found if t.name}
    words = {t: w for t, w in assigned(found).items() if w not in taken}
    twice = [w for w, n in Counter(words.values()).items() if n > 1]
    twins: dict[Tensor, Tensor] = {}
    for t in found:
        twin = Tensor(t._value, t.op, tuple(twins[i] for i in t.inputs), t.line)
        twin._label = t.name or (words[t] if t in words and words[t] not in twice else None)
        twins[t] = twin
    return twins[made], twins


def _said(made: Any) -> str:
    if made is None:
        return "nothing"
    if isinstance(made, (np.ndarray, float, int)):
        return "plain numbers, which do not remember how they were made"
    return told_type(made)


def _free(name: str, taken: set[str]) -> str:
    found, k = name, 1
    while found in taken:
        k += 1
        found = f"{name}{k}"
    taken.add(found)
    return found


def _numbered(letter: str, taken: set[str]) -> str:
    """A name for what has none: that of the table, x1, x2, and of a layer w1 and b1."""
    found = next(w for k in count(1) if (w := f"{letter}{k}") not in taken)
    taken.add(found)
    return found


def loaded(path: Path) -> ModuleType:
    """The module that a Python file makes when it is run.

    Raises: UsageError where there is no such file, UserFileError with the file's own line.
    """
    if not path.is_file():
        near = [p.name for p in path.parent.glob("*.py")] if path.parent.is_dir() else []
        folder = "" if path.parent.is_dir() else f"; there is no folder {path.parent}"
        advice = did_you_mean(path.name, near, "give the path of a Python file, FILE.py:function")
        raise UsageError(f"there is no file {path}{folder}; {advice}")
    where = str(path.resolve())
    name = path.stem if path.stem.isidentifier() else "chainrule_user_file"
    while name in sys.modules:  # a file may be called as a module that is already there
        name += "_"
    spec = spec_from_file_location(name, where)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be read as a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module  # as dataclasses in the file need it
    sys.path.insert(0, str(path.resolve().parent))  # as when Python runs the file itself
    try:
        with its_own_errors(path), redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


@contextmanager
def its_own_errors(path: Path) -> Iterator[None]:
    """What goes wrong in the file is told with the file's own line."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        at = " " * ((error.offset or 1) - 1) + "^"
        shown = f"\n  {line}\n  {at}" if line.strip() else ""
        raise UserFileError(f"{path}:{error.lineno}: {error.msg}{shown}") from None
    except BaseException as error:
        raise UserFileError(_told(path, error)) from None


def _told(path: Path, error: BaseException) -> str:
    message = str(error).split("\n  made at")[0]
    kind = "" if isinstance(error, ChainruleError) else f"{type(error).__name__}: "
    what = f"{kind}{message}" if message else type(error).__name__
    frames = [
        (f.f_code, line) for f, line in traceback.walk_tb(error.__traceback__)
        if not _ours(f.f_code.co_filename)
    ]  # fmt: skip
    mine = [f for f in frames if f[0].co_filename == str(path.resolve())]
    if not mine:
        return f"{path}: {what}"
    code, line = mine[-1]
    source = linecache.getline(code.co_filename, line).strip()
    inside = "" if code.co_name == "<module>" else f", in {code.co_name}"
    return f"{what}\n  {path}:{line}{inside}\n    {source}"


def _ours(filename: str) -> bool:
    return filename.startswith((HOUSE, "<frozen"))


def _function(path: Path, module: ModuleType, asked: str | None) -> Callable:
    own = {
        n: f for n, f in vars(module).items()
        if inspect.isfunction(f) and f.__module__ == module.__name__ and not n.startswith("_")
    }  # fmt: skip
    listed = f"it has {', '.join(own)}" if own else "it defines no function"
    if asked:
        found = own.get(asked) or getattr(module, asked, None)
        if callable(found):
            return found
        if hasattr(module, asked):
            raise UsageError(f"{path}: {asked} is no function but {_said(found)}; {listed}")
        raise UsageError(f"{path} has no function {asked}; {did_you_mean(asked, own, listed)}")
    for name in (*FIRST, *(own if len(own) == 1 else ())):
        if name in own:
            return own[name]
    raise UsageError(f"{path}: which function? {path}:NAME; {listed}")


def _arguments(
    what: str, f: Callable, typed: dict[str, str]
) -> tuple[list[Any], dict[str, Any], dict[str, Tensor]]:
    """What the function is called with: values typed, else its defaults; arrays as tensors."""
    parameters = inspect.signature(f).parameters
    known = [p.name for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    takes = f"it takes {', '.join(known)}" if known else "it takes no arguments"
    for name in typed:
        if name.strip() not in known:
            raise UsageError(
                f"{what} has no argument {name.strip()}; {did_you_mean(name, known, takes)}"
            )
    typed = {n.strip(): v for n, v in typed.items()}
    missing = [n for n in known if n not in typed and parameters[n].default is inspect._empty]
    if missing:
        example = " ".join(f"{n}=1" for n in missing)
        raise UsageError(f"{what} needs a value for {' and '.join(missing)}: {example}")
    positional, named, variables = [], {}, {}
    for name in known:
        p = parameters[name]
        value = _value(name, p.default, typed.get(name), variables)
        if p.kind == p.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return positional, named, variables


def _value(name: str, default: Any, typed: str | None, variables: dict[str, Tensor]) -> Any:
    if typed is not None:
        if isinstance(default, str):
            return typed
        value = assignment(f"{name}={typed}")[1]
        whole = isinstance(default, int) and value.size == 1
        if whole:  # a count or a switch, not something to differentiate by
            return type(default)(value.item())
        variables[name] = value
        return value
    if isinstance(default, Module):
        return _named_model(name, default, variables)
    value = _as_tensor(name, default)
    if isinstance(value, Tensor) and value.dtype.kind == "f":
        variables[name] = value
    return value


def _as_tensor(name: str, default: Any) -> Any:
    """A default that holds numbers with decimals, as a tensor under its argument's name."""
    if isinstance(default, Tensor):
        return leaf(default._value, GIVEN, name) if not default.inputs else default
    if isinstance(default, (bool, int, str, bytes)) or default is None:
        return default
    if isinstance(default, (float, list, np.ndarray, np.generic)):
        try:
            value = np.asarray(default)
        except ValueError:
            return default
        if value.dtype.kind == "f" or (isinstance(default, list) and value.dtype.kind in "iu"):
            return tensor(value.astype(np.float64) if value.dtype.kind != "f" else value, name=name)
    return default


def _named_model(name: str, model: Module, variables: dict[str, Tensor]) -> Any:
    """The same model, its parameters named by their place in it."""
    by_identity = {id(p): n for n, p in model.named_parameters().items()}
    leaves, structure = tree_flatten(model)
    made = []
    for x in leaves:
        if id(x) in by_identity:
            word = f"{name}_{by_identity[id(x)].replace('.', '_')}"
            x = variables[word] = leaf(x._value, GIVEN, word)
        made.append(x)
    return tree_unflatten(structure, made)
