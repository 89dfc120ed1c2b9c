"""A layer: a frozen record of parameters and settings that can be called, and is a pytree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from functools import wraps
from inspect import Parameter, getattr_static, signature
from operator import attrgetter
from types import FunctionType
from typing import Any, dataclass_transform

import numpy as np
import optree

from ..eager.namespace import tensor
from ..eager.tensor import Tensor, leaf
from ..graph.caller import caller, made_at
from ..graph.errors import InPlaceError, ShapeError, UsageError
from ..transform.trees import NAMESPACE, tree_flatten, tree_unflatten

REMEMBERS = "_remembers"  # set on a __call__ whose outputs know which layer made them


def static(**kwargs: Any) -> Any:
    """A field that is a setting, not a parameter: part of the tree's structure."""
    return field(metadata={"static": True}, **kwargs)


@dataclass_transform(field_specifiers=(static,))
def layer(cls: type) -> type:
    """Make a class a layer: a record compared by identity, registered as a pytree.

    Fields are parameters and layers, or settings where they are `static`. Without an `__init__`
    of its own the class gets one that takes them; an `__init__` sets each field once.
    Raises: UsageError for a class that is not derived from `chainrule.nn.Module`.

    >>> import chainrule as cr
    >>> @cr.nn.layer
    ... class Scale(cr.nn.Module):
    ...     factor: cr.Tensor
    ...     def __call__(self, x):
    ...         return self.factor * x
    >>> cr.grad(lambda layer: cr.sum(layer(np.ones(3))))(Scale(cr.tensor(2.0))).factor
    tensor(3.)
    """
    if not issubclass(cls, Module):
        raise UsageError(f"layer: {cls.__name__} must be derived from chainrule.nn.Module")
    writer = next((k for k in cls.__mro__[:-1] if "__init__" in vars(k)), None)
    generated = writer is None or vars(writer).get("_generated", False)
    made: Any = dataclass(eq=False, repr=False, init=generated)(cls)
    made._generated = generated
    children = tuple(f.name for f in fields(made) if not f.metadata.get("static"))
    settings = tuple(f.name for f in fields(made) if f.metadata.get("static"))
    if made.reseeded is Module.reseeded and children:
        made.__init__ = _drawn_by_place(made.__init__, made)

    call = getattr_static(made, "__call__")
    if type(call) is FunctionType and call is not Module.__call__ and not hasattr(call, REMEMBERS):
        made.__call__ = _remembering(call)

    parts_of, values_of = _getter(children), _getter(settings)

    def flatten(module: Any) -> tuple:
        return parts_of(module), values_of(module), children

    names = children + settings
    bare = object.__new__(made)  # without fields there is nothing to tell two apart

    def unflatten(values: Any, parts: Any) -> Any:
        if not names:
            return bare
        module = object.__new__(made)
        module.__dict__.update(zip(names, (*parts, *values), strict=True))
        return module

    optree.register_pytree_node(
        made, flatten, unflatten, path_entry_type=optree.GetAttrEntry, namespace=NAMESPACE
    )
    return made


def _remembering(call: Any) -> Any:
    """`call`, whose output remembers the layer and what it was given, so that drawings know.

    It costs about 60 ns: a drawing is made of computations that nobody announced.
    """

    def of_one(self: Any, x: Any) -> Any:
        made = call(self, x)
        # What has no inputs, or was handed in, was not made here.
        if type(made) is Tensor and made.inputs and made is not x:
            made._calls = (self, x, made._calls)
        return made

    def of_any(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = call(self, *args, **kwargs)
        given = (*args, *kwargs.values())
        for made in found if type(found) is tuple else (found,):
            if type(made) is Tensor and made.inputs and not any([made is x for x in given]):
                made._calls = (self, given, made._calls)
        return found

    takes = list(signature(call).parameters.values())[1:]
    alone = [(p.name, p.kind) for p in takes] == [("x", Parameter.POSITIONAL_OR_KEYWORD)]
    made = wraps(call)(of_one if alone and takes[0].default is Parameter.empty else of_any)
    setattr(made, REMEMBERS, True)
    return made


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple]:
    """The fields of these names as a tuple, at C speed where there are several."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda module: (getattr(module, names[0]),)) if names else lambda module: ()


def _drawn_by_place(init: Any, made: type) -> Any:
    @wraps(init)
    def wrapped(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        if type(self) is made:
            changes = _drawn_fields(self, generator(None))
            self._settle(**changes)
            if changes:
                self._settle(_unseeded=True)

    return wrapped


class Module:
    """What all layers have in common.

    A layer is a value: its parameters are tensors, nothing in it can be assigned, and it can
    be differentiated, mapped and flattened like any other argument.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        known = getattr(self, "__dataclass_fields__", {})
        if name in known and name not in self.__dict__:
            self.__dict__[name] = value  # the layer is being made
            return
        kind, line = type(self).__name__, made_at(caller())
        if name in self.__dict__:
            raise InPlaceError(
                f"{kind}.{name} cannot be assigned: layers are values; "
                f"write layer.replace({name}=...), which gives a new layer{line}"
            )
        raise InPlaceError(
            f"{kind}.{name} cannot be assigned: {kind} has no field of that name; declare "
            f"`{name}: chainrule.Tensor` in the class and mark it @chainrule.nn.layer{line}"
        )

    def __delattr__(self, name: str) -> None:
        raise InPlaceError(
            f"{type(self).__name__}.{name} cannot be deleted: layers are values; make a new one"
        )

    def _settle(self, **values: Any) -> None:
        """Set fields while the layer is being made."""
        self.__dict__.update(values)

    def replace(self, **changes: Any) -> Any:
        """A copy with these fields changed.

        Raises: UsageError for a field that is not there.
        """
        unknown = sorted(set(changes) - set(self.__dict__))
        if unknown:
            raise UsageError(
                f"{type(self).__name__}.replace: there is no field {', '.join(unknown)}; there "
                f"are {', '.join(k for k in self.__dict__ if k[0] != '_')}"
            )
        made = object.__new__(type(self))
        made.__dict__.update({**self.__dict__, **changes})
        made.__dict__.pop("_unseeded", None)  # what was put in by hand is not drawn again
        return made

    def children(self) -> Iterator[tuple[str, Any]]:
        """The layers inside, with their names; those in lists, tuples and dicts too."""
        for name, value in self.__dict__.items():
            yield from _inside(name, value, Module)

    def named_parameters(self, prefix: str = "") -> dict[str, Tensor]:
        """Every parameter under PyTorch's state-dict key: `0.weight`, `0.bias`, `2.weight`."""
        found = {
            f"{prefix}{name}": one
            for field_name, value in self.__dict__.items()
            for name, one in _inside(field_name, value, Tensor)
        }
        for name, child in self.children():
            found |= child.named_parameters(f"{prefix}{name}.")
        return found

    def parameters(self) -> list[Tensor]:
        """Every parameter, in the order of `named_parameters`."""
        return list(self.named_parameters().values())

    def state_dict(self) -> dict[str, np.ndarray]:
        """The numbers of parameters and running statistics under PyTorch's keys; copies."""
        from .statistics import statistics

        found = {name: np.array(p.value) for name, p in self.named_parameters().items()}
        return found | statistics(self)

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """A copy of this model with the numbers of `state`.

        Raises: UsageError for missing or unknown keys, ShapeError for other shapes.
        """
        if not isinstance(state, dict):
            raise UsageError(
                f"load_state_dict: of {type(state).__name__}; give a dict of arrays by parameter "
                "name, as state_dict returns it"
            )
        from .statistics import statistics, with_statistics

        own = {**self.named_parameters(), **statistics(self)}
        missing, unknown = sorted(set(own) - set(state)), sorted(set(state) - set(own))
        if missing or unknown:
            raise UsageError(f"load_state_dict: missing {missing}, unknown {unknown}")
        for name, p in own.items():
            if np.shape(state[name]) != p.shape:
                raise ShapeError(
                    f"load_state_dict: {name} is {p.shape}, the state has {np.shape(state[name])}"
                )
        by_identity = {
            id(p): tensor(np.asarray(state[n], p.dtype)) for n, p in self.named_parameters().items()
        }
        leaves, structure = tree_flatten(self)
        made = tree_unflatten(structure, [by_identity.get(id(x), x) for x in leaves])
        return with_statistics(made, {name: state[name] for name in statistics(self)})

    def adopt(self, trained: Any) -> None:
        """Take over the parameters of a model of the same structure: the one change in place.

        Training a model the user handed over ends with this, and nothing else does it.
        """
        for name, value in trained.__dict__.items():
            self.__dict__[name] = _adopted(self.__dict__.get(name), value)
        self.__dict__.pop("_unseeded", None)

    def zero_grad(self) -> None:
        """Forget the gradients that `backward` has added up in the parameters."""
        for p in self.parameters():
            p.grad = None

    def __call__(self, x: Any) -> Any:
        raise UsageError(
            f"{type(self).__name__}: what it computes is not said; define __call__(self, x)"
        )

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, value in self.__dict__.items()
            if not name.startswith("_") and isinstance(value, (int, float, str, bool))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def reseeded(self, rng: np.random.Generator) -> Any:
        """The same layer; the layers inside that were given no seed are drawn anew."""
        return self.replace(**_drawn_fields(self, rng))


def _inside(name: str, value: Any, kind: type) -> Iterator[tuple[str, Any]]:
    """What is of this kind in a field, also within lists, tuples and dicts, with dotted names."""
    if isinstance(value, kind):
        yield name, value
    elif isinstance(value, (list, tuple, dict)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in items:
            yield from _inside(f"{name}.{key}", part, kind)


def _adopted(mine: Any, value: Any) -> Any:
    if isinstance(mine, Module):
        mine.adopt(value)
        return mine
    if type(mine) in (list, tuple):
        return type(mine)(_adopted(a, b) for a, b in zip(mine, value, strict=True))
    if type(mine) is dict:
        return {key: _adopted(part, value[key]) for key, part in mine.items()}
    return value


def drawn_anew(value: Any, rng: np.random.Generator, seen: dict[int, Any]) -> Any:
    """`value` with every layer in it that was given no seed drawn anew; `seen` keeps shared ones.

    Every place has its own stream, whether its layer needs one or not: taking an activation
    out must not change the weights of the layers before it.
    """
    if type(value) in (list, tuple):
        streams = zip(value, rng.spawn(len(value)), strict=True)
        made = type(value)(drawn_anew(part, stream, seen) for part, stream in streams)
        return made if any(a is not b for a, b in zip(made, value, strict=True)) else value
    if type(value) is dict:
        drawn = drawn_anew(tuple(value.values()), rng, seen)
        return dict(zip(value, drawn, strict=True))
    if not isinstance(value, Module) or not value.__dict__.get("_unseeded"):
        return value
    if id(value) not in seen:
        seen[id(value)] = value.reseeded(rng)
        seen[id(value)]._settle(_unseeded=True)
    return seen[id(value)]


def seeded(value: Any) -> None:
    """Take the mark of having had no seed from a layer and all inside: it is drawn for good."""
    if isinstance(value, Module):
        value.__dict__.pop("_unseeded", None)
        for _, child in value.children():
            seeded(child)


def _drawn_fields(module: Module, rng: np.random.Generator) -> dict[str, Any]:
    state = {k: v for k, v in module.__dict__.items() if k != "_unseeded"}
    values = tuple(state.values())
    drawn = drawn_anew(values, rng, {})
    pairs = zip(state, values, drawn, strict=True)
    return {name: new for name, old, new in pairs if new is not old}


def parameter(values: Any, dtype: Any = np.float32) -> Tensor:
    """Numbers as a parameter of a layer."""
    # A copy, so that nobody else can write into it; ascontiguousarray would add an axis to ().
    return leaf(np.array(values, dtype=dtype, order="C"))


def generator(seed: Any) -> np.random.Generator:
    """The random numbers of a seed, of a Generator, or of seed 0 where there is none.

    Raises: UsageError for what is neither a number from 0 on nor a Generator.
    """
    try:
        return np.random.default_rng(0 if seed is None else seed)
    except (TypeError, ValueError):
        raise UsageError(
            f"seed={seed!r}: give a whole number, 0 or more, or a numpy.random.Generator"
        ) from None
