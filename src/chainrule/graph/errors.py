"""Every error the project raises. Each message says what was asked, what was found, what to do.

ChainruleError
├── ShapeError          (ValueError)    sizes that do not fit
├── DTypeError          (TypeError)     integer where a float is needed, complex, object
├── AxisError           (IndexError)    an axis or an index out of range
├── PathError           (ValueError)    a gradient of something that is not on the path
├── ScalarError         (ValueError)    backward from something that is not one number
├── InPlaceError        (TypeError)     an attempt to change a tensor or a layer
├── TracingError        (TypeError)     a traced function asks for a number
├── GradientError       (AssertionError) a local gradient that disagrees with the value
├── NotFiniteError      (ArithmeticError) NaN or Inf, named by the sentinel
├── GraphError          (ValueError)    a graph that breaks an invariant
├── ExpressionError     (ValueError)    a typed formula with a mistake, shown with a caret
├── DataError           (ValueError)    data that cannot be trained on, with rows and columns
├── CheckpointError     (OSError)       a model's file that cannot be written, read or believed
├── UsageError          (ValueError)    an argument outside what a call accepts
│   └── MatrixError     (LinAlgError)   a matrix that has no inverse or no Cholesky factor
└── MissingExtraError   (ImportError)   an optional dependency, with the command that installs it
"""

from __future__ import annotations

from numpy.linalg import LinAlgError

from .caller import caller, made_at

__all__ = [
    "AxisError", "ChainruleError", "CheckpointError", "DTypeError", "DataError", "ExpressionError",
    "GradientError", "GraphError", "InPlaceError", "MatrixError", "MissingExtraError",
    "NotFiniteError", "PathError", "ScalarError", "ShapeError", "TracingError", "UsageError",
]  # fmt: skip


class ChainruleError(Exception):
    """The root of the tree: catch it to catch everything that is ours.

    A message ends in the user's own line; one that names it already keeps the line it names.
    """

    of_a_line = True

    def __init__(self, message: str = ""):
        if self.of_a_line and "\n  made at " not in message:
            message += made_at(caller(2))
        super().__init__(message)


class ShapeError(ChainruleError, ValueError):
    """Sizes that do not fit; nothing was computed."""


class DTypeError(ChainruleError, TypeError):
    """A dtype for which the question makes no sense."""


class AxisError(ChainruleError, IndexError):
    """An axis or an index outside the array."""


class PathError(ChainruleError, ValueError):
    """A gradient was asked of something the output does not depend on."""


class ScalarError(ChainruleError, ValueError):
    """Backward needs one number to start from."""


class InPlaceError(ChainruleError, TypeError):
    """Tensors and layers are values: nothing is changed in place."""


class TracingError(ChainruleError, TypeError):
    """A traced function asked for a number that is not there yet."""


class GradientError(ChainruleError, AssertionError):
    """A gradient disagrees with the values of its own function."""


class NotFiniteError(ChainruleError, ArithmeticError):
    """NaN or Inf appeared, and this says where first."""


class GraphError(ChainruleError, ValueError):
    """A graph breaks one of its invariants."""


class ExpressionError(ChainruleError, ValueError):
    """A typed formula has a mistake; the caret shows where."""

    of_a_line = False


class DataError(ChainruleError, ValueError):
    """Data that cannot be trained on."""


class CheckpointError(ChainruleError, OSError):
    """A file of weights cannot be written, or cannot be read, or is not what was written."""


class UsageError(ChainruleError, ValueError):
    """An argument outside what the call accepts."""


class MatrixError(UsageError, LinAlgError):
    """A matrix for which the question has no answer: singular, or not positive definite."""


class MissingExtraError(ChainruleError, ImportError):
    """An optional dependency is not installed."""

    of_a_line = False

    def __init__(self, what: str, extra: str):
        super().__init__(f'{what} needs an extra: pip install "chainrule[{extra}]"')
