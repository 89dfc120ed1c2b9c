"""Exercises made of any computation: asked, checked by what an answer comes to, and explained."""

from .exercise import KINDS, Exercise, Practice
from .making import practice
from .sets import SETS, practice_set
from .verdict import Verdict

__all__ = ["KINDS", "SETS", "Exercise", "Practice", "Verdict", "practice", "practice_set"]
