"""Optimisers: pairs of pure functions, chained freely."""

from . import schedules
from .accumulate import accumulate
from .adaptive import Adam, AdamW, Lion, NAdam, RAdam
from .chain import Chain, chain
from .clip import clip_by_norm, clip_by_value, global_norm
from .decay import weight_decay
from .groups import groups
from .lbfgs import LBFGS
from .plateau import reduce_on_plateau
from .rules import SGD, Adagrad, RMSProp
from .transform import Rule, State, Step, Transform, apply_updates

__all__ = [
    "LBFGS", "SGD", "Adagrad", "Adam", "AdamW", "Chain", "Lion", "NAdam", "RAdam", "RMSProp",
    "Rule", "State", "Step", "Transform", "accumulate", "apply_updates", "chain", "clip_by_norm",
    "clip_by_value", "global_norm", "groups", "reduce_on_plateau", "schedules", "weight_decay",
]  # fmt: skip
