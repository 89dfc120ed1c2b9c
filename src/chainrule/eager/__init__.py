"""Tensors: arrays that remember, how to make them, and the backward pass over their memory."""

from ..graph.operators import FUNCTIONS
from .answers import *  # noqa: F403
from .answers import __all__ as _answers
from .backward import backward, zero_grad
from .dtypes import *  # noqa: F403
from .dtypes import __all__ as _dtypes
from .namespace import *  # noqa: F403
from .namespace import __all__ as _namespace
from .tensor import Tensor

__all__ = [*_answers, *_dtypes, *_namespace, "Tensor", "backward", "zero_grad"]

# NumPy's protocols find these too: np.zeros_like(t) is a tensor.
FUNCTIONS.update({name: globals()[name] for name in (*_answers, *_namespace)})
