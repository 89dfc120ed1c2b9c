"""The solver "lbfgs": SciPy's search, as in scikit-learn, over the loss of all the data."""

from __future__ import annotations

from typing import Any
from warnings import warn

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from ..transform import compile as compiled
from ..transform import value_and_grad

WORTH = 2e9  # operations from which compiling the loss is earned back


def search(of: Any, run: Any, x: np.ndarray, t: Any, weight: Any) -> tuple[float, int]:
    """Minimise the loss over all parameters of `run`: the loss at the end, and the iterations."""
    w = np.ones(len(x), run.dtype) if weight is None else weight.astype(run.dtype)
    shapes = [p.shape for p in run.params]
    ends = np.cumsum([p.size for p in run.params])[:-1]
    objective = value_and_grad(
        lambda params, x, t, w: run.objective(params, x, t, w, run.amount)[0]
    )
    if 6.0 * of.max_iter * len(x) * sum(p.size for p in run.params) > WORTH:
        objective = compiled(objective)

    def parted(vector: np.ndarray) -> list[np.ndarray]:
        parts = zip(np.split(vector, ends), shapes, strict=True)
        return [part.reshape(shape).astype(run.dtype) for part, shape in parts]

    def asked(vector: np.ndarray) -> tuple[float, np.ndarray]:
        with np.errstate(all="ignore"):  # a search may look where nothing is finite
            value, gradients = objective(parted(vector), x, t, w)
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
