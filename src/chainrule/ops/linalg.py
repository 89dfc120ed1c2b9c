"""Linear algebra that gradients are asked of. Matrices are the last two axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph.errors import ShapeError
from ..graph.op import Op, Spec
from .contract import matmul
from .family import like, reshape, sum_to
from .move import diagonal, expand_dims, matrix_transpose, tril
from .reduce import sum as sum_


def _dtype(*dtypes: np.dtype) -> np.dtype:
    """LAPACK's choice: in float32 only if all operands are, integers in float64."""
    floats = all(d.kind == "f" for d in dtypes)
    return np.result_type(*dtypes) if floats else np.dtype(np.float64)


def _square(op: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"{op}: needs square matrices, found shape {shape}")
    return shape


class Inv(Op):
    """The inverse of a matrix."""

    latex, binds, takes = "{#1}^{-1}", 3, (4,)
    words = "sends the upstream gradient through the inverse from both sides: -Yᵀ G Yᵀ"
    source = "Giles 2008, section 2.2.3"

    def forward(self, xp, a):
        return xp.linalg.inv(a)

    def spec(self, a):
        return Spec(_square("inv", a.shape), _dtype(a.dtype))

    def grad(self, g, y, a):
        back = matrix_transpose(y)
        return (lambda: -matmul(matmul(back, g), back),)

    def push(self, ts, y, xs):
        return -matmul(matmul(y, ts[0]), y)


class Solve(Op):
    """The x with A x = b; b is one vector, or a matrix of columns."""

    latex, binds, takes = "{#1}^{-1} #2", 2, (4, 3)
    words = "solves the transposed system for the right side; A receives minus that times xᵀ"
    source = "Giles 2008, section 2.3.1"

    def forward(self, xp, a, b):
        return xp.linalg.solve(a, b)

    def spec(self, a, b):
        _square("solve", a.shape)
        if b.shape[-1 if len(b.shape) == 1 else -2 :][:1] != a.shape[-1:]:
            raise ShapeError(f"solve: {a.shape} and {b.shape}; the rows must be as many")
        dtype = _dtype(a.dtype, b.dtype)
        if len(b.shape) == 1:
            return Spec((*a.shape[:-2], *b.shape), dtype)
        return Spec((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *b.shape[-2:]), dtype)

    def grad(self, g, y, a, b):
        down = solve(matrix_transpose(a), _columns(g, b))
        return (
            lambda: like(sum_to(-matmul(down, matrix_transpose(_columns(y, b))), a.shape), a),
            lambda: like(sum_to(reshape(down, g.shape), b.shape), b),
        )

    def push(self, ts, y, xs):
        (ta, tb), (a, b) = ts, xs
        right = None if tb is None else _columns(tb, b)
        if ta is not None:
            moved = matmul(ta, _columns(y, b))
            right = -moved if right is None else right - moved
        return reshape(solve(a, right), y.shape)


def _columns(x: Any, b: Any) -> Any:
    """What belongs to the right side `b`, as a matrix of columns."""
    return expand_dims(x, axis=-1) if len(b.shape) == 1 else x


class Det(Op):
    """The determinant; its gradient asks for an inverse, so the matrix must have one."""

    latex = r"\det\left(#1\right)"
    words = "scales the inverse transposed by the determinant times the upstream gradient"
    source = "Giles 2008, section 2.2.4 (Jacobi's formula)"

    def forward(self, xp, a):
        return xp.linalg.det(a)

    def spec(self, a):
        return Spec(_square("det", a.shape)[:-2], _dtype(a.dtype))

    def grad(self, g, y, a):
        return (expand_dims(g * y, axis=(-2, -1)) * matrix_transpose(inv(a)),)

    def push(self, ts, y, xs):
        return y * trace(matmul(inv(xs[0]), ts[0]))


class Slogdet(Op):
    """The sign of the determinant and the logarithm of its size."""

    latex = r"\ln\left|\det\left(#1\right)\right|"
    words = "scales the inverse transposed by the upstream gradient; the sign has no slope"
    source = "Giles 2008, section 2.2.4"

    def forward(self, xp, a):
        return tuple(xp.linalg.slogdet(a))

    def spec(self, a):
        one = Spec(_square("slogdet", a.shape)[:-2], _dtype(a.dtype))
        return (one, one)

    def grad(self, g, y, a):
        if g[1] is None:
            return (None,)
        return (expand_dims(g[1], axis=(-2, -1)) * matrix_transpose(inv(a)),)

    def push(self, ts, y, xs):
        return (None, trace(matmul(inv(xs[0]), ts[0])))


class Cholesky(Op):
    """The lower triangular L with L Lᵀ = A, for a positive definite A, read as (A + Aᵀ)/2."""

    latex = r"\operatorname{chol}\left(#1\right)"
    words = "sends the gradient through L⁻¹ from both sides, symmetric"
    source = "Murray 2016, arXiv:1602.07527"

    def forward(self, xp, a):
        # LAPACK reads one triangle only: its value would not vary with the other one.
        return xp.linalg.cholesky((a + xp.matrix_transpose(a)) / 2)

    def spec(self, a):
        return Spec(_square("cholesky", a.shape), _dtype(a.dtype))

    def grad(self, g, y, a):
        back = matrix_transpose(y)
        phi = _phi(matmul(back, g))
        both = phi + matrix_transpose(phi)
        left = solve(back, both)
        return (0.5 * matrix_transpose(solve(back, matrix_transpose(left))),)

    def push(self, ts, y, xs):
        t = 0.5 * (ts[0] + matrix_transpose(ts[0]))
        inner = solve(y, matrix_transpose(solve(y, t)))
        return matmul(y, _phi(inner))


def _phi(x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    return tril(x) * (1.0 - 0.5 * eye)


inv, solve, det, cholesky = Inv(), Solve(), Det(), Cholesky()
_slogdet = Slogdet()


def slogdet(x: Any) -> tuple:
    """The sign of the determinant, and ln of its absolute value."""
    return _slogdet(x)


def trace(x: Any, *, offset: int = 0) -> Any:
    """The sum of the diagonal of the last two axes."""
    return sum_(diagonal(x, offset=offset), axis=-1)
