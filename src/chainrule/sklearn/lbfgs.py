"""The solver "lbfgs": SciPy's search, as in scikit-learn, over the loss of all the data."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ..train.stepping import stepper, worth


def search(of: Any, run: Any, x: np.ndarray, t: Any, weight: Any) -> tuple[float, int]:
    """Minimise the loss over all parameters of `run`: the loss at the end, and the iterations."""
    w = np.ones(len(x), run.dtype) if weight is None else weight.astype(run.dtype)
    shapes = [p.shape for p in run.params]
    ends = np.cumsum([p.size for p in run.params])[:-1]
    known = stepper(run.objective, run.optimizer, run.names, False)
    pays = worth(of.max_iter, 6 * len(x) * sum(p.size for p in run.params))
    measured = known.measured if pays else known.measured.f

    def parted(vector: np.ndarray) -> list[np.ndarray]:
        parts = zip(np.split(vector, ends), shapes, strict=True)
        return [part.reshape(shape).astype(run.dtype) for part, shape in parts]

    def asked(vector: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):  # a search may look where nothing is finite
            value, gradients = measured(parted(vector), x, t, w, run.amount)
        joined = np.concatenate([np.asarray(g).ravel() for g in gradients])
        return float(value), joined.astype(np.float64)

    start = np.concatenate([p.ravel() for p in run.params]).astype(np.float64)
    limits = {"maxfun": of.max_fun, "maxiter": of.max_iter, "gtol": of.tol}
    found = minimize(asked, start, method="L-BFGS-B", jac=True, options=limits)
    run.params = parted(found.x)
    if found.status != 0:
        warn(
            f"{type(of).__name__}: solver='lbfgs' has not converged: {found.message} after "
            f"{found.nit} iterations (max_iter={of.max_iter}, max_fun={of.max_fun}); scale the "
            "data, or allow more",
            ConvergenceWarning, stacklevel=6,
        )  # fmt: skip
    return float(found.fun), min(int(found.nit), of.max_iter)
