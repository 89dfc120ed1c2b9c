"""A graph as a picture: values over the edges, gradients under them, locals at the ops."""

from .render import Sketch, picture
from .sheet import Item, Out, Row, Sheet

__all__ = ["Item", "Out", "Row", "Sheet", "Sketch", "picture"]
