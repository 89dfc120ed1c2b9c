"""The forms a compiled function met: what each was made for, and why there is one more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any, NamedTuple

# What differs: (what is said of it, what helps)
ADVICE = {
    "shape": "Each shape is compiled once and then kept. A last, smaller batch is best left out "
    "or padded.",
    "dtype": "Each dtype is compiled once. Convert before the call, as with x.astype(np.float32).",
    "value": "A bool, a text, or an int that the function needs as such is part of what is "
    "compiled, once for each value. Hand over what varies as an array or a float.",
    "kind": "A Python number and an array are compiled apart. Hand over the same kind each time.",
    "structure": "Another structure of the arguments is another function. Keep their keys, "
    "lengths and settings the same from call to call.",
}


class Form(NamedTuple):
    """What a version was compiled for: the arguments' structure, and what is known of each leaf."""

    structure: Any
    leaves: tuple[Any, ...]  # (shape, dtype); float or int, Python's own; (type, value)


class Change(NamedTuple):
    """One thing in which two forms differ."""

    kind: str  # a key of ADVICE
    told: str


def names_of(f: Callable, structure: Any) -> list[str]:
    """For each leaf of the arguments, how the function calls it: `params['0.weight']`."""
    parameters = _parameters(f)
    found = []
    for accessor in structure.accessors():
        by_name, place = accessor.path[0], accessor.path[1]
        found.append(_root(parameters, by_name, place) + accessor[2:].codify(""))
    return found


def _parameters(f: Callable) -> list[Parameter]:
    try:
        return list(signature(f).parameters.values())
    except (TypeError, ValueError):  # something that does not say what it takes
        return []


def _root(parameters: list[Parameter], by_name: int, place: Any) -> str:
    if by_name:
        return str(place)
    given = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if place < len(given):
        return given[place].name
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "args")
    return f"{rest}[{place - len(given)}]"


def is_input(leaf: Any) -> bool:
    """Whether a leaf is a number handed in at each call, not part of what was compiled."""
    return isinstance(leaf, type) or not isinstance(leaf[0], type)


def described(leaf: Any) -> str:
    """What is known of a leaf.

    >>> import numpy as np
    >>> described(((2, 3), np.dtype("f4"))), described(float), described((bool, True))
    ('float32 (2, 3)', 'a Python float', 'the value True')
    """
    if isinstance(leaf, type):
        return f"a Python {leaf.__name__}"
    first, second = leaf
    return f"the value {second!r}" if isinstance(first, type) else f"{second} {first}"


def changes(f: Callable, before: Form, after: Form) -> list[Change]:
    """In what two forms differ, argument by argument."""
    old = dict(zip(names_of(f, before.structure), before.leaves, strict=True))
    new = dict(zip(names_of(f, after.structure), after.leaves, strict=True))
    found = [Change("structure", f"{n}: new, {described(new[n])}") for n in new if n not in old]
    found += [
        Change("structure", f"{n}: gone, was {described(old[n])}") for n in old if n not in new
    ]
    for name, leaf in new.items():
        if name in old and old[name] != leaf:
            found.append(_changed(name, old[name], leaf))
    if not found and before.structure != after.structure:
        told = _containers(f, before.structure, after.structure) or "the arguments'"
        found.append(Change("structure", f"{told} containers, or settings in them, differ"))
    return found


def _containers(f: Callable, before: Any, after: Any) -> str:
    """Whose containers differ: `model's`, of the arguments given by place."""
    (old, _), (new, _) = before.children(), after.children()
    if old.num_children != new.num_children:
        return ""
    parameters = _parameters(f)
    pairs = enumerate(zip(old.children(), new.children(), strict=True))
    return ", ".join(f"{_root(parameters, 0, k)}'s" for k, (a, b) in pairs if a != b)


def _changed(name: str, old: Any, new: Any) -> Change:
    arrays = [not isinstance(x, type) and not isinstance(x[0], type) for x in (old, new)]
    if arrays == [True, True]:
        (a, s), (b, t) = old, new
        if a == b:
            return Change("dtype", f"{name}: dtype {s} → {t}, of shape {a}")
        told = f"{name}: shape {a} → {b}"
        return Change("shape", told + (f", dtype {s} → {t}" if s != t else ""))
    if not is_input(old) and not is_input(new):
        return Change("value", f"{name}: value {old[1]!r} → {new[1]!r}")
    return Change("kind", f"{name}: {described(old)} → {described(new)}")


def why(f: Callable, forms: Sequence[Form]) -> str:
    """Why the last of these forms was compiled, though there were others before."""
    called = getattr(f, "__name__", repr(f))
    if not forms:
        return f"{called} is not compiled yet: that happens at its first call"
    *others, last = forms
    if not others:
        names = names_of(f, last.structure)
        told = [f"\n  {n}: {described(x)}" for n, x in zip(names, last.leaves, strict=True)]
        return f"{called} was compiled once, and never again. It takes:" + "".join(told)
    found = [changes(f, other, last) for other in reversed(others)]
    nearest = min(found, key=len)
    lines = [f"{called} has {len(forms)} forms. The last one is there because of:"]
    lines += [f"  {c.told}" for c in nearest]
    lines += [ADVICE[kind] for kind in dict.fromkeys(c.kind for c in nearest)]
    return "\n".join(lines)
