"""A layer: a frozen record of parameters and settings that can be called, and is a pytree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, dataclass_transform

import numpy as np
import optree

from ..eager.tensor import Tensor, leaf, tensor
from ..graph.caller import caller, made_at
from ..graph.errors import InPlaceError, ShapeError, UsageError
from ..transform.trees import NAMESPACE, tree_flatten, tree_unflatten


def static(**kwargs: Any) -> Any:
    """A field that is a setting, not a parameter: part of the tree's structure."""
    return field(metadata={"static": True}, **kwargs)


@dataclass_transform(frozen_default=True, field_specifiers=(static,))
def layer(cls: type) -> type:
    """Make a class a layer: a record compared by identity, registered as a pytree."""
    made = dataclass(eq=False, repr=False, init="__init__" not in cls.__dict__)(cls)
    children = tuple(f.name for f in fields(made) if not f.metadata.get("static"))
    settings = tuple(f.name for f in fields(made) if f.metadata.get("static"))

    def flatten(module: Any) -> tuple:
        state = module.__dict__
        return (
            tuple(state[c] for c in children),
            tuple(state[s] for s in settings),
            children,
        )

    def unflatten(values: tuple, parts: tuple) -> Any:
        module = object.__new__(made)
        state = module.__dict__
        state.update(zip(children, parts, strict=True))
        state.update(zip(settings, values, strict=True))
        return module

    optree.register_pytree_node(
        made, flatten, unflatten, path_entry_type=optree.GetAttrEntry, namespace=NAMESPACE
    )
    return made


class Module:
    """What all layers have in common.

    A layer is a value: its parameters are tensors, nothing in it can be assigned, and it can
    be differentiated, mapped and flattened like any other argument.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        raise InPlaceError(
            f"{type(self).__name__}.{name} cannot be assigned: layers are values; "
            f"write layer.replace({name}=...), which gives a new layer{made_at(caller())}"
        )

    def _settle(self, **values: Any) -> None:
        """Set fields while the layer is being made."""
        self.__dict__.update(values)

    def replace(self, **changes: Any) -> Any:
        """A copy with these fields changed."""
        unknown = set(changes) - set(self.__dict__)
        if unknown:
            raise UsageError(f"{type(self).__name__} has no field {sorted(unknown)}")
        made = object.__new__(type(self))
        made.__dict__.update({**self.__dict__, **changes})
        return made

    def children(self) -> Iterator[tuple[str, Any]]:
        """The layers inside, with their names."""
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                yield name, value

    def named_parameters(self, prefix: str = "") -> dict[str, Tensor]:
        """Every parameter under PyTorch's state-dict key: `0.weight`, `0.bias`, `2.weight`."""
        found = {
            f"{prefix}{name}": value
            for name, value in self.__dict__.items()
            if isinstance(value, Tensor)
        }
        for name, child in self.children():
            found |= child.named_parameters(f"{prefix}{name}.")
        return found

    def parameters(self) -> list[Tensor]:
        """Every parameter, in the order of `named_parameters`."""
        return list(self.named_parameters().values())

    def state_dict(self) -> dict[str, np.ndarray]:
        """The parameters' numbers under PyTorch's keys; copies, not views."""
        return {name: np.array(p.value) for name, p in self.named_parameters().items()}

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """A copy of this model with the numbers of `state`.

        Raises: UsageError for missing or unknown keys, ShapeError for other shapes.
        """
        own = self.named_parameters()
        missing, unknown = sorted(set(own) - set(state)), sorted(set(state) - set(own))
        if missing or unknown:
            raise UsageError(f"load_state_dict: missing {missing}, unknown {unknown}")
        for name, p in own.items():
            if np.shape(state[name]) != p.shape:
                raise ShapeError(
                    f"load_state_dict: {name} is {p.shape}, the state has {np.shape(state[name])}"
                )
        by_identity = {id(p): tensor(np.asarray(state[n], p.dtype)) for n, p in own.items()}
        leaves, structure = tree_flatten(self)
        return tree_unflatten(structure, [by_identity.get(id(x), x) for x in leaves])

    def adopt(self, trained: Any) -> None:
        """Take over the parameters of a model of the same structure: the one change in place.

        Training a model the user handed over ends with this, and nothing else does it.
        """
        for name, value in trained.__dict__.items():
            mine = self.__dict__.get(name)
            if isinstance(mine, Module):
                mine.adopt(value)
            elif isinstance(mine, tuple):
                for a, b in zip(mine, value, strict=True):
                    a.adopt(b) if isinstance(a, Module) else None
            else:
                self.__dict__[name] = value
        self.__dict__.pop("_unseeded", None)

    def zero_grad(self) -> None:
        """Forget the gradients that `backward` has added up in the parameters."""
        for p in self.parameters():
            p.grad = None

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}.__call__")

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, value in self.__dict__.items()
            if not name.startswith("_") and isinstance(value, (int, float, str, bool))
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def reseeded(self, rng: np.random.Generator) -> Any:
        """The same layer with its parameters drawn anew; a layer without any is its own."""
        return self


def parameter(values: Any, dtype: Any = np.float32) -> Tensor:
    """Numbers as a parameter of a layer."""
    return leaf(np.ascontiguousarray(values, dtype=dtype))


def generator(seed: Any) -> np.random.Generator:
    """The random numbers of a seed, of a Generator, or of seed 0 where there is none."""
    return np.random.default_rng(0 if seed is None else seed)
