"""Models and trainings on disk: written whole or not at all, believed only after being judged."""

from .kept import Checkpoints
from .models import CheckpointWarning, load, save

__all__ = ["CheckpointWarning", "Checkpoints", "load", "save"]
