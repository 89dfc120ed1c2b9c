"""What a setting of a layer may be in a file: one rule for each kind, read in both directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from ... import ops
from ...graph.errors import UsageError
from ...nn.init import NAMED
from .strict import shown

LARGEST = 2**40  # of a size: far above any, and its products are cheap


class Rule(NamedTuple):
    """`to_file` gives JSON, `from_file` the setting; both give MISSING for what is none."""

    words: str
    to_file: Callable[[Any], Any]
    from_file: Callable[[Any], Any]


MISSING: Any = object()
Named = Mapping[str, Any]


def _same(fits: Callable[[Any], bool]) -> Callable[[Any], Any]:
    return lambda told: told if fits(told) else MISSING


def _whole(least: int) -> Rule:
    def to_file(value: Any) -> Any:
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        return int(value) if whole else MISSING

    fits = _same(lambda told: type(told) is int and least <= told <= LARGEST)
    return Rule(f"a whole number, {least} or more", to_file, fits)


NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def float_to_file(value: float) -> Any:
    """A float as JSON; what JSON has no number for as a word."""
    return value if isfinite(value) else str(value)


def _number_to_file(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if type(value) is float:
        return float_to_file(value)
    return value if type(value) is int else MISSING


def _number_from_file(told: Any) -> Any:
    if type(told) is str:
        return NOT_FINITE.get(told, MISSING)
    return told if type(told) in (int, float) else MISSING


def maybe(rule: Rule) -> Rule:
    """This, or nothing."""
    return Rule(
        f"{rule.words}, or null",
        lambda value: None if value is None else rule.to_file(value),
        lambda told: None if told is None else rule.from_file(told),
    )


def many(rule: Rule, words: str, count: int | None = None) -> Rule:
    """A tuple of these; of so many where `count` says so."""

    def each(way: Callable[[Any], Any], kinds: Any, made: type) -> Callable[[Any], Any]:
        def read(given: Any) -> Any:
            if not isinstance(given, kinds) or (count is not None and len(given) != count):
                return MISSING
            found = [way(one) for one in given]
            return made(found) if found and MISSING not in found else MISSING

        return read

    return Rule(words, each(rule.to_file, (list, tuple), list), each(rule.from_file, list, tuple))


def one_of(names: tuple[str, ...]) -> Rule:
    """One of these words."""
    check = _same(lambda told: type(told) is str and told in names)
    return Rule("one of " + ", ".join(names), check, check)


def unknown_init(rng: Any, shape: Any) -> Any:
    """An initialiser that was a function of the user's, and is not in the file."""
    raise UsageError(
        "init: the model comes from a file, and drew its weights by a function that a file "
        "cannot hold; make a new layer to draw anew"
    )


def _init_to_file(value: Any) -> Any:
    if type(value) is str:
        return value if value in NAMED else MISSING
    return {"function": next((name for name, made in NAMED.items() if made is value), None)}


def _init_from_file(told: Any) -> Any:
    if type(told) is str:
        return told if told in NAMED else MISSING
    if type(told) is not dict or set(told) != {"function"}:
        return MISSING
    name = told["function"]
    if name is None:
        return unknown_init
    return NAMED[name] if type(name) is str and name in NAMED else MISSING


# The functions that may stand in a Sequential as they are, and be found again.
FUNCTIONS = {
    name: getattr(ops, name)
    for name in (
        "abs", "cos", "erf", "exp", "expm1", "gelu", "log", "log1p", "log_softmax", "negative",
        "relu", "selu", "sigmoid", "sign", "silu", "sin", "softmax", "softplus", "sqrt", "square",
        "tanh",
    )
}  # fmt: skip


def _function_to_file(value: Any) -> Any:
    return next((name for name, made in FUNCTIONS.items() if made is value), MISSING)


def _function_from_file(told: Any) -> Any:
    return FUNCTIONS.get(told, MISSING) if type(told) is str else MISSING


FLAG = Rule(
    "true or false",
    lambda value: bool(value) if isinstance(value, (bool, np.bool_)) else MISSING,
    _same(lambda told: type(told) is bool),
)
SIZE, COUNT = _whole(1), _whole(0)
NUMBER = Rule("a number", _number_to_file, _number_from_file)
SHARE = Rule(
    "a share from 0 to 1", _number_to_file,
    _same(lambda told: type(told) in (int, float) and 0 <= told <= 1),
)  # fmt: skip
SIZES = many(SIZE, "a list of whole numbers, 1 or more")
INIT = Rule("the name of an initialiser", _init_to_file, _init_from_file)
FUNCTION = Rule(
    "a function of chainrule's that takes one array, such as chainrule.tanh",
    _function_to_file, _function_from_file,
)  # fmt: skip


def told_wrong(name: str, rule: Rule, value: Any) -> str:
    """What is said of a setting that breaks its rule."""
    found = (
        shown(value)
        if isinstance(value, (str, int, float, bool, type(None)))
        else "a " + type(value).__name__
    )
    return f"{name} is {found[:100]}; it must be {rule.words}"
