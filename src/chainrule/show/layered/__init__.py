"""A layered layout of any graph that runs one way: every drawing of a computation uses it."""

from .layout import layered
from .plan import Layered
from .routes import curve

__all__ = ["Layered", "curve", "layered"]
