"""The functions of native code: their errors, their special values, and the same bits everywhere.

CHAINRULE_SWEEP=100 takes a hundred times as many samples.
"""

import importlib.util
import itertools
import os
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import chainrule as cr
from chainrule.graph import capture, input_node
from chainrule.graph.namespace import XP
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read.native import native
from chainrule.read.native.functions import LLVM, ULP, coefficients, parts, trigonometric
from chainrule.read.native.machine.engine import missing
from chainrule.read.native.vector import Value, Writer

pytestmark = pytest.mark.skipif(bool(missing()), reason="llvmlite does not load here")

ROOT = Path(__file__).parent.parent
SWEEP = int(os.environ.get("CHAINRULE_SWEEP", "1"))
FLOATS = {4: np.dtype(np.float32), 8: np.dtype(np.float64)}
DIGITS, LOWEST = {4: 24, 8: 53}, {4: -149, 8: -1074}
INF, NAN, ONE = mp.inf, mp.nan, mp.mpf(1)


def inside(f, holds, ends=()):
    """An exact function that is NaN outside of its domain, with its values at the ends."""
    ends = dict(ends)
    return lambda x: ends[x] if x in ends else f(x) if holds(x) else NAN


def positive(f):
    return inside(f, lambda x: x > 0, {0: -INF})


def unit(f, ends=()):
    return inside(f, lambda x: abs(x) <= 1, ends)


def exact_sigmoid(x):
    return 1 / (1 + mp.exp(-x))


# name: the exact function, and where most samples lie in float32 and float64
ONE_OPERAND = {
    "exp": (mp.exp, (-105, 89), (-750, 711)),
    "expm1": (mp.expm1, (-20, 89), (-40, 711)),
    "exp2": (lambda x: mp.mpf(2) ** x, (-152, 129), (-1080, 1025)),
    "log": (positive(mp.log), (0, 4), (0, 4)),
    "log1p": (inside(mp.log1p, lambda x: x > -1, {-1: -INF}), (-1, 4), (-1, 4)),
    "log2": (positive(lambda x: mp.log(x, 2)), (0, 4), (0, 4)),
    "log10": (positive(mp.log10), (0, 20), (0, 20)),
    "tanh": (mp.tanh, (-10, 10), (-20, 20)),
    "sigmoid": (exact_sigmoid, (-104, 20), (-746, 40)),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), (-20, 20), (-40, 40)),
    "erf": (mp.erf, (-4.5, 4.5), (-6.5, 6.5)),
    "sin": (mp.sin, (-20, 20), (-20, 20)),
    "cos": (mp.cos, (-20, 20), (-20, 20)),
    "tan": (mp.tan, (-20, 20), (-20, 20)),
    "asin": (unit(mp.asin), (-1, 1), (-1, 1)),
    "acos": (unit(mp.acos), (-1, 1), (-1, 1)),
    "atan": (mp.atan, (-5, 5), (-5, 5)),
    "sinh": (mp.sinh, (-90, 90), (-711, 711)),
    "cosh": (mp.cosh, (-90, 90), (-711, 711)),
    "asinh": (mp.asinh, (-5, 5), (-5, 5)),
    "acosh": (inside(mp.acosh, lambda x: x >= 1), (1, 5), (1, 5)),
    "atanh": (unit(mp.atanh, {1: INF, -1: -INF}), (-1, 1), (-1, 1)),
}
TWO_OPERANDS = {
    "pow": lambda x, y: mp.power(x, y),
    "atan2": mp.atan2,
    "hypot": mp.hypot,
    "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
}
NUMPY = {"pow": np.power, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
         "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh, "atan2": np.arctan2,
         "erf": XP.erf, "sigmoid": XP.sigmoid,
         "softplus": lambda x: np.logaddexp(x, 0)}  # fmt: skip
SPECIAL = [0.0, 1.0, 0.5, 2.0, 3.0, 2.5, 1e30, 1e-30, 1e-40, 3e38, 16777217.0, np.inf]
LARGER = [1e300, 5e-324, 1.7e308, 9007199254740993.0]
GROWS = ("exp", "expm1", "exp2", "sinh", "cosh", "sigmoid", "tanh", "softplus", "erf")
sizes = pytest.mark.parametrize("size", [4, 8], ids=["float32", "float64"])
one_operand = pytest.mark.parametrize("name", ONE_OPERAND)


def in_numpy(name):
    return NUMPY.get(name) or getattr(np, name)


def machine_code(f, *xs):
    """The value of `f` in machine code, with no op left to NumPy."""
    graph, _ = capture(lambda *nodes: [f(*nodes)], [input_node(x.shape, x.dtype) for x in xs])
    run = native(graph)
    assert run.program.native
    return run(*xs)[0]


def value(name, *xs):
    return machine_code(getattr(cr, name), *xs)


def special(size):
    xs = SPECIAL + (LARGER if size == 8 else [])
    with np.errstate(all="ignore"):
        return np.array([s * x for x in xs for s in (1, -1)] + [np.nan], FLOATS[size])


def any_float(rng, count, size):
    """Numbers of every size, denormals too: their bits are drawn."""
    dtype, whole = FLOATS[size], np.dtype(f"i{size}")
    bits = rng.integers(0, int(np.array(np.inf, dtype).view(whole)), count, dtype=whole)
    return bits.view(dtype) * rng.choice([-1, 1], count).astype(dtype)


def samples(name, size):
    """Where a function is used, near 0, near 1, at quarter turns, and everywhere."""
    rng, count = np.random.default_rng(size), 200 * SWEEP
    _, *ranges = ONE_OPERAND[name]
    spread = 10.0 ** rng.uniform(-9, 1, count)
    found = [
        any_float(rng, count, size),
        rng.uniform(*ranges[size // 8], 3 * count),
        rng.normal(size=count) * spread,
        1 + rng.normal(size=count) * spread / 100,
        np.pi / 2 * rng.integers(-(2**16), 2**16, count),
    ]
    x = np.concatenate([np.asarray(f, FLOATS[size]) for f in found])
    return x[np.abs(x) < 2000] if name in GROWS else x


def error(found, exact, size, least=0):
    """How far a number is from the exact one, in units of the last place of that one."""
    found = float(found)
    if mp.isnan(exact) or found != found:
        return 0.0 if mp.isnan(exact) and found != found else np.inf
    largest = float(np.finfo(FLOATS[size]).max) * (ONE + mp.mpf(2) ** -(DIGITS[size] + 1))
    if np.isinf(found) or mp.isinf(exact):
        return 0.0 if abs(exact) > largest and found * mp.sign(exact) > 0 else np.inf
    scale = max(abs(exact), least)
    place = max(mp.frexp(scale)[1] - DIGITS[size], LOWEST[size]) if scale else LOWEST[size]
    return float(abs(found - exact) / mp.ldexp(ONE, place))


def worst(found, exact, size, *xs, least=None):
    """The largest error, and where it is."""
    least = [0] * len(found) if least is None else least
    errors = [error(f, e, size, s) for f, e, s in zip(found, exact, least, strict=True)]
    k = int(np.argmax(errors))
    return errors[k], [float(x[k]) for x in xs]


@sizes
@one_operand
def test_the_error_is_within_what_is_stated(name, size):
    x = samples(name, size)
    with mp.workprec(160):
        exact = [ONE_OPERAND[name][0](mp.mpf(float(v))) for v in x]
        found, where = worst(value(name, x), exact, size, x)
    assert found <= ULP[name][size], f"{found} at {where}"


@sizes
@pytest.mark.parametrize("name", TWO_OPERANDS)
def test_the_error_of_two_operands_is_within_what_is_stated(name, size):
    rng, count = np.random.default_rng(size), 400 * SWEEP
    dtype = FLOATS[size]
    x, y = any_float(rng, count, size), any_float(rng, count, size)
    near = (1 + rng.normal(size=count) * 10.0 ** rng.uniform(-9, 0, count)).astype(dtype)
    usual = (rng.normal(size=count) * 10.0 ** rng.uniform(-3, 3, count)).astype(dtype)
    with np.errstate(over="ignore"):
        pairs = {
            "pow": [(abs(x), np.clip(usual, -40, 40)), (abs(near), 100 * usual)],
            "logaddexp": [(usual, usual + near), (usual, usual[::-1])],
        }.get(name, [(x, y), (x, x * near), (usual, near)])
        x, y = (np.concatenate(p) for p in zip(*pairs, strict=True))
    # A sum of exponentials near 1 has a logarithm near 0, of which the operands know few digits.
    least = np.maximum(abs(x), abs(y)).astype(float) if name == "logaddexp" else None
    with mp.workprec(160):
        exact = [
            TWO_OPERANDS[name](mp.mpf(float(a)), mp.mpf(float(b)))
            for a, b in zip(x, y, strict=True)
        ]
        found, where = worst(value(name, x, y), exact, size, x, y, least=least)
    assert found <= ULP[name][size], f"{found} at {where}"


@one_operand
def test_float32_is_within_its_error_at_every_thousandth_float(name):
    bits = np.arange(0, 2**32, max(1, 20011 // SWEEP), np.int64).astype(np.uint32)
    x = bits.view(np.float32)
    with np.errstate(all="ignore"):
        exact = in_numpy(name)(x.astype(float))
        found = value(name, x).astype(float)
        place = np.maximum(np.frexp(exact)[1] - 24, -149)
        errors = np.abs(found - exact) / np.exp2(place.astype(float))
        same = (found == exact.astype(np.float32)) | (np.isnan(found) & np.isnan(exact))
    errors[same] = 0
    assert errors.max() <= ULP[name][4], f"{errors.max()} at {x[np.argmax(errors)]}"


@pytest.mark.parametrize("p", [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0.5, 2.5])
@sizes
def test_a_power_that_is_known_is_within_the_error_of_pow(p, size):
    x = any_float(np.random.default_rng(1), 300, size)
    x = x if p == int(p) else abs(x)
    x = x[np.abs(x) > 1e-30]  # of less the reciprocal may be infinite
    with mp.workprec(160):
        exact = [mp.power(mp.mpf(float(v)), mp.mpf(p)) for v in x]
        found, where = worst(machine_code(lambda x: cr.pow(x, float(p)), x), exact, size, x)
    assert found <= ULP["known power"][size], f"{found} at {where}"


def same(found, wanted, name):
    """Equal, with the sign of zero, or as near as two good functions are."""
    if np.isnan(wanted) or np.isnan(found):
        return np.isnan(wanted) and np.isnan(found)
    if found == wanted:
        ordered = name in ("maximum", "minimum")  # of two zeros NumPy gives one or the other
        return np.signbit(found) == np.signbit(wanted) or ordered
    near = np.isfinite(wanted) and np.isfinite(found) and wanted != 0
    return bool(near and abs(found - wanted) <= 6 * np.spacing(abs(wanted)))


@sizes
@one_operand
def test_special_values_are_numpys(name, size):
    x = special(size)
    with np.errstate(all="ignore"):
        wanted = in_numpy(name)(x)
    found = value(name, x)
    wrong = [t for t in zip(x, found, wanted, strict=True) if not same(*t[1:], name)]
    assert wrong == []


@sizes
@pytest.mark.parametrize(
    "name",
    [*TWO_OPERANDS, "remainder", "floor_divide", "maximum", "minimum", "copysign"],
)
def test_special_pairs_are_numpys(name, size):
    x, y = (np.array(v) for v in zip(*itertools.product(special(size), repeat=2), strict=True))
    with np.errstate(all="ignore"):
        wanted = in_numpy(name)(x, y)
    wrong = [t for t in zip(x, y, value(name, x, y), wanted, strict=True) if not same(*t[2:], name)]
    assert wrong == []


@sizes
@pytest.mark.parametrize("name", ["remainder", "floor_divide"])
def test_remainders_are_exact(name, size):
    rng = np.random.default_rng(2)
    with np.errstate(all="ignore"):
        for scale in (1, 1e3, 1e6, 1e12):
            x, y = (rng.normal(size=500).astype(FLOATS[size]) for _ in range(2))
            np.testing.assert_array_equal(
                value(name, x * scale, y), in_numpy(name)(x * FLOATS[size].type(scale), y)
            )


@sizes
def test_powers_of_two_and_of_ten_are_exact(size):
    low, high = {4: (-126, 127), 8: (-1022, 1023)}[size]
    n = np.arange(low, high + 1).astype(FLOATS[size])
    powers = np.ldexp(FLOATS[size].type(1), n.astype(int))
    np.testing.assert_array_equal(value("exp2", n), powers)
    np.testing.assert_array_equal(value("log2", powers), n)
    tens = np.arange(-37 if size == 4 else -307, 39 if size == 4 else 309)
    powers = np.array([float(f"1e{k}") for k in tens], FLOATS[size])
    np.testing.assert_array_equal(value("log10", powers), tens)


def bits(x):
    return x.view(f"i{x.dtype.itemsize}")


@sizes
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sin", "pow", "remainder"])
def test_an_element_has_the_same_bits_wherever_it_stands(name, size):
    x = np.random.default_rng(3).uniform(0.1, 3, 40).astype(FLOATS[size])
    operands = (x,) if name in ONE_OPERAND else (x, x[::-1].copy())
    whole = value(name, *operands)
    for n in (1, 2, 3, 5, 8, 13, 17, 33):
        np.testing.assert_array_equal(
            bits(value(name, *(o[:n].copy() for o in operands))), bits(whole[:n])
        )


@sizes
@pytest.mark.parametrize("name", ["exp", "exp2", "sigmoid", "sinh", "cosh"])
def test_a_machine_without_the_scaling_instruction_gives_the_same_bits(name, size, monkeypatch):
    x = np.concatenate([samples(name, size), special(size)[:-1]])
    before = value(name, x)
    monkeypatch.setattr(parts, "register", lambda: 32)
    np.testing.assert_array_equal(bits(value(name, x)), bits(before))


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
@sizes
def test_far_angles_are_answered_only_for_the_lanes_that_ask(name, size):
    far = 4 * trigonometric.FAR[size]
    x = np.linspace(-3, 3, 64).astype(FLOATS[size])
    mixed = x.copy()
    mixed[::7] = far * np.arange(1, 11)
    found = value(name, mixed)
    near = np.arange(64) % 7 != 0
    np.testing.assert_array_equal(found[near], value(name, x)[near])
    wanted = in_numpy(name)(mixed[::7].astype(float)).astype(FLOATS[size])
    np.testing.assert_allclose(found[::7], wanted, rtol=4 * np.finfo(FLOATS[size]).eps)


def test_functions_with_a_branch_work_in_products_reductions_and_scans():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(6, 8)), rng.normal(size=(8, 10))
    for f in (
        lambda a, b: cr.sin(a @ b),
        lambda a, b: cr.sum(cr.cos(1e12 * (a @ b)), axis=0),
        lambda a, b: cr.scan(lambda c, x: (cr.sin(c + x), cr.tan(c)), b[0], b)[1],
    ):
        np.testing.assert_allclose(machine_code(f, a, b), np.asarray(f(a, b)), rtol=1e-10)


@pytest.mark.parametrize("dtype", ["f2", ">f4", ">f8", ">i4"])
@pytest.mark.parametrize("name", ["exp", "sin", "add", "sum"])
def test_floats_of_two_bytes_and_foreign_byte_orders_are_right_too(name, dtype):
    x = np.linspace(-1, 3, 21).astype(dtype)
    f = (lambda x: cr.add(x, x)) if name == "add" else getattr(cr, name)
    found, wanted = cr.compile(f)(x), f(x)
    assert found.dtype == wanted.dtype
    eps = np.finfo(wanted.dtype).eps if wanted.dtype.kind == "f" else 0
    np.testing.assert_allclose(found, wanted, rtol=8 * eps, atol=8 * eps)


ELEMENTWISE = [e for e in EXAMPLES if e.op is not None and e.traces]


@sizes
@pytest.mark.parametrize("example", ELEMENTWISE, ids=str)
def test_every_elementwise_op_is_what_it_is_eagerly(example, size):
    rng = np.random.default_rng(5)
    operands = [o.sample(rng, k) for k, o in enumerate(example.shaped(*[(5, 7)] * len(
        example.operands)).operands)]  # fmt: skip
    xs = [x.astype(FLOATS[size]) if x.dtype.kind == "f" else x for x in operands]
    wanted = np.asarray(example.call(*xs))
    found = cr.compile(example.call)(*xs)
    assert found.dtype == wanted.dtype
    if wanted.dtype.kind == "f":
        eps = np.finfo(wanted.dtype).eps
        np.testing.assert_allclose(found, wanted, rtol=16 * eps, atol=4 * eps)
    else:
        np.testing.assert_array_equal(found, wanted)


def test_every_function_that_is_arithmetic_states_its_error():
    w = Writer()
    x = Value(w, "%x", FLOATS[8], 8)
    arithmetic = set()
    for name, f in vars(LLVM).items():
        w.lines.clear()
        for operands in ((x,), (x, x)):
            try:
                f(*operands)
            except TypeError:
                continue
            if sum(" fmul " in line or "llvm.fma" in line for line in w.lines) > 3:
                arithmetic.add("pow" if name == "power" else name)
    exact = {"remainder", "floor_divide", "fmod"}
    assert arithmetic - exact == set(ULP) - {"softplus", "known power"}


def test_no_stated_error_is_over_four_units():
    assert max(max(row.values()) for row in ULP.values()) <= 4


def test_the_coefficients_are_what_the_script_writes(capsys):
    spec = importlib.util.spec_from_file_location("fits", ROOT / "benchmarks" / "coefficients.py")
    script = importlib.util.module_from_spec(spec)
    precision = mp.mp.dps
    try:
        spec.loader.exec_module(script)
        script.main()
    finally:
        mp.mp.dps = precision
    assert capsys.readouterr().out == Path(coefficients.__file__).read_text("utf-8")
