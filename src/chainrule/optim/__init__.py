"""Optimisers: pairs of pure functions, chained freely."""

from .clip import clip_by_norm, clip_by_value, global_norm
from .rules import SGD, Adagrad, Adam, AdamW, RMSProp
from .transform import Chain, Rule, State, Transform, apply_updates, chain

__all__ = [
    "SGD", "Adagrad", "Adam", "AdamW", "Chain", "RMSProp", "Rule", "State", "Transform",
    "apply_updates", "chain", "clip_by_norm", "clip_by_value", "global_norm",
]  # fmt: skip
