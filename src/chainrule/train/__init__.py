"""Training: the loop, its history, data."""

from .callbacks.progress import ProgressBar
from .callbacks.ready import Every, HistoryFile, StopAt, TensorBoard
from .callbacks.stopping import EarlyStopping
from .data.preparing import prepared
from .divergence import TrainingWarning
from .fit import fit
from .history import History
from .trainer import Trainer

__all__ = [
    "EarlyStopping", "Every", "History", "HistoryFile", "ProgressBar", "StopAt", "TensorBoard",
    "Trainer", "TrainingWarning", "fit", "prepared",
]  # fmt: skip
