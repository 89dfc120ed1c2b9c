"""A long loop calls its functions: LLVM's time grows faster than the instructions of a function."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.read.native import module
from chainrule.read.native.machine.engine import missing

pytestmark = pytest.mark.skipif(bool(missing()), reason="llvmlite does not load here")

ONE = (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "tanh", "sigmoid", "softplus", "erf",
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
)  # fmt: skip
TWO = ("pow", "atan2", "hypot", "logaddexp", "remainder", "floor_divide")


def steps(count):
    def f(x):
        for _ in range(count):
            x = cr.sin(x) + cr.exp(-x) * cr.pow(cr.abs(x), 1.3)
        return x

    return f


@pytest.mark.parametrize(("count", "defined"), [(2, 0), (30, 1)])
def test_what_a_long_loop_calls_is_defined_once_and_a_short_one_has_it_written_out(count, defined):
    x = np.linspace(-3.0, 3.0, 37)
    f = cr.compile(steps(count))
    np.testing.assert_allclose(f(x), steps(count)(x), rtol=1e-9)
    written = f.ir.partition("; after LLVM")[0]
    for name in ("sin", "exp", "pow"):
        assert len(re.findall(rf"define internal <\d+ x double> @{name}\.", written)) == defined


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_a_function_that_is_called_gives_the_bits_of_the_one_that_is_written_out(
    name, dtype, monkeypatch
):
    monkeypatch.setenv("CHAINRULE_CACHE", "0")
    xs = [np.linspace(-2.0, 2.0, 41, dtype=dtype), np.linspace(0.1, 3.0, 41, dtype=dtype)]
    xs = xs[: 1 + (name in TWO)]
    f = getattr(cr, name)
    want = cr.compile(lambda *xs: f(*xs))(*xs)
    monkeypatch.setattr(module, "LONG", 0)
    called = cr.compile(lambda *xs: f(*xs))
    np.testing.assert_array_equal(called(*xs), want)
    assert re.search(r"call <\d+ x \w+> @[a-z]\w*\.", called.ir)
