"""Training: the loop, its history, data."""

from .callbacks import Every, HistoryFile, StopAt, TensorBoard
from .divergence import TrainingWarning
from .fit import fit
from .history import History
from .preparing import prepared
from .progress import ProgressBar
from .stopping import EarlyStopping
from .trainer import Trainer

__all__ = [
    "EarlyStopping", "Every", "History", "HistoryFile", "ProgressBar", "StopAt", "TensorBoard",
    "Trainer", "TrainingWarning", "fit", "prepared",
]  # fmt: skip
