"""Short phrases of a setting, `cosine warmup=100`: a name, and options with their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any

from .values import Unfit, unknown


@dataclass(frozen=True)
class Phrase:
    """A name, options by name, and the values that stand without one."""

    name: str
    options: dict[str, Any]
    bare: tuple[Any, ...] = ()


def phrase(given: str) -> Phrase:
    """The parts of a phrase.

    >>> phrase("sgd momentum=0.9 nesterov")
    Phrase(name='sgd', options={'momentum': 0.9}, bare=('nesterov',))
    """
    name, *rest = given.split() or [""]
    if not name:
        raise Unfit("give a name")
    options: dict[str, Any] = {}
    bare = []
    for part in rest:
        key, equals, value = part.partition("=")
        if equals and (not key or not value):
            raise Unfit(f"{part!r}: write key=value, without blanks around =")
        if equals and key in options:
            raise Unfit(f"{key} is there twice")
        if equals:
            options[key] = constant(value)
        else:
            bare.append(constant(part))
    return Phrase(name, options, tuple(bare))


def constant(word: str) -> Any:
    """A number, true, false, several numbers divided by commas, or the word itself."""
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    if "," in word:
        return tuple(constant(part) for part in word.split(","))
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word


def accepted(made: Callable[..., Any], without: tuple[str, ...] = ()) -> list[str]:
    """The names of what a function or class may be given."""
    kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    parameters = signature(made).parameters.items()
    return [n for n, p in parameters if p.kind in kinds and n not in without]


def options_of(found: Phrase, known: list[str]) -> dict[str, Any]:
    """The options of a phrase, which must be among those known; a lone word is a switch."""
    options = dict(found.options)
    for value in found.bare:
        if not isinstance(value, str) or value not in known:
            listed = f"{known[0]}={value}" if known else "nothing"
            advice = unknown(value, known) if isinstance(value, str) else f"write {listed}"
            raise Unfit(f"{found.name} has no switch {value}; {advice}")
        options[value] = True
    for key in options:
        if key not in known:
            advice = unknown(key, known) if known else "it has none"
            raise Unfit(f"{found.name} has no option {key}; {advice}")
    return options
