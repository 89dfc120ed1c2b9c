"""What is displayed is what is computed: LaTeX read back by SymPy and evaluated."""

import math
import re

import numpy as np
import pytest
import sympy
from sympy.core.function import AppliedUndef
from sympy.parsing.latex import parse_latex

import chainrule as cr
from chainrule.graph import input_node
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read import latex, latex_of_locals, text

ELEMENTWISE = [e for e in EXAMPLES if e.op is not None]

# Functions that SymPy's grammar does not know; it reads them as f_{k}(...), k their place here.
FUNCTIONS = {
    "sigma": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "erf": math.erf,
    "sign": np.sign,
    "copysign": math.copysign,
    "atan": math.atan2,
    "mod": lambda x, y: x % y,
    "round": round,
    "trunc": math.trunc,
    "max": max,
    "min": min,
    "arsinh": math.asinh,
    "arcosh": math.acosh,
    "artanh": math.atanh,
    "isfinite": math.isfinite,
    "isnan": math.isnan,
    "isinf": math.isinf,
    "signbit": lambda x: math.copysign(1.0, x) < 0,
    "nextafter": math.nextafter,
    "floor": math.floor,
    "ceil": math.ceil,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "and": lambda a, b: int(a) & int(b),
    "or": lambda a, b: int(a) | int(b),
    "xor": lambda a, b: int(a) ^ int(b),
    "shl": lambda a, b: int(a) << int(b),
    "shr": lambda a, b: int(a) >> int(b),
    "not": lambda a: not a,
    "cases": lambda *pairs: next(v for v, c in zip(pairs[::2], pairs[1::2], strict=True) if c),
}
SIGNS = {
    r"\le": "le", r"\ge": "ge", r"\ne": "ne", "<": "lt", ">": "gt", "=": "eq",
    r"\land": "and", r"\lor": "or", r"\oplus": "xor", r"\mathbin{\&}": "and",
    r"\mathbin{|}": "or", r"\ll": "shl", r"\gg": "shr",
}  # fmt: skip


def f(name: str) -> str:
    return f"f_{{{list(FUNCTIONS).index(name)}}}"


def call(name: str, *arguments: str) -> str:
    return f"{f(name)}({', '.join(arguments)})"


def relation(tex: str) -> str:
    """`a \\le b` as f_{le}(a, b); the grammar knows no relations inside a formula."""
    tex = tex.strip().removeprefix(r"\text{if }").strip()
    if tex == r"\text{otherwise}":
        return "1"
    for sign, name in SIGNS.items():
        left, found, right = tex.partition(f" {sign} ")
        if found:
            return call(name, left, right)
    return call("not", tex.removeprefix(r"\lnot ")) if tex.startswith(r"\lnot ") else tex


def cases(found: re.Match) -> str:
    rows = [row.split("&") for row in found[1].split(r"\\")]
    return call("cases", *(piece for value, when in rows for piece in (value, relation(when))))


def preprocessed(tex: str) -> str:
    """In the words of SymPy's grammar: functions for cases, operator names and relations."""
    tex = tex.replace(r"\operatorname{atan2}", r"\operatorname{atan}")
    innermost = re.compile(r"\\begin{cases}((?:(?!\\begin{cases}).)*?)\\end{cases}")
    while innermost.search(tex):
        tex = innermost.sub(cases, tex)
    if " < " in tex or any(f" {s} " in tex for s in SIGNS) or tex.startswith(r"\lnot"):
        tex = relation(tex)
    for sign in ("floor", "ceil"):
        tex = tex.replace(rf"\left\l{sign}", f"{f(sign)}(").replace(rf"\right\r{sign}", ")")
    tex = re.sub(r"\\operatorname{(\w+)}", lambda found: f(found[1]), tex)
    for name in ("sigma", "max", "min"):
        tex = re.sub(rf"\\{name}(?![a-z])", f(name), tex)
    return tex.replace(r"\left", "").replace(r"\right", "")


def evaluated(tex: str, values: dict[str, float]) -> float:
    return float(number(parse_latex(preprocessed(tex)), values))


def number(e: sympy.Expr, values: dict[str, float]):
    if e.is_Symbol:
        return math.e if e.name == "e" else values[e.name]
    if isinstance(e, AppliedUndef):
        place = int(re.fullmatch(r"f_{(\d+)}", e.func.__name__)[1])
        return list(FUNCTIONS.values())[place](*(number(a, values) for a in e.args))
    if not e.args:
        return float(e)
    return float(e.func(*(sympy.sympify(number(a, values)) for a in e.args)))


def traced(example):
    """The example as a node over inputs named x, y, z, and one number for each."""
    xs = [np.asarray(x.flat[0]) for x in example.arguments()]
    names = "xyz"[: len(xs)]
    nodes = [input_node((), x.dtype, n) for x, n in zip(xs, names, strict=True)]
    return example.call(*nodes), xs, dict(zip(names, map(float, xs), strict=True))


@pytest.mark.parametrize("example", ELEMENTWISE, ids=str)
def test_the_formula_of_an_op_has_the_value_of_the_op(example):
    node, xs, values = traced(example)
    tex = latex(node)
    if example.name == "bitwise_invert":
        tex = "-1 - x"  # ¬ of the bits is no function the grammar could have
    assert evaluated(tex, values) == pytest.approx(float(example.call(*xs)), rel=1e-12)


@pytest.mark.parametrize("example", ELEMENTWISE, ids=str)
def test_the_formula_of_a_local_gradient_has_its_value(example):
    node, xs, values = traced(example)
    found = [evaluated(tex, values) for tex in latex_of_locals(node)]
    y = example.call(*xs)
    for f, local in zip(found, example.op.local(y, *xs), strict=True):
        local = local() if callable(local) else local
        assert f == pytest.approx(0.0 if local is None else float(local), rel=1e-12)


x, y, z, w = (input_node((), float, n) for n in "xyzw")

FORMULAS = [
    ((x + y) * z, r"\left(x + y\right) \cdot z"),
    (x + y * z, r"x + y \cdot z"),
    (x - (y - z), r"x - \left(y - z\right)"),
    (x - y - z, r"x - y - z"),
    (-(x + y), r"-\left(x + y\right)"),
    ((-x) ** 2, r"{\left(-x\right)}^{2}"),
    (-(x**2), r"-{x}^{2}"),
    ((x / y) ** 2, r"{\left(\frac{x}{y}\right)}^{2}"),
    (cr.exp(x) ** 2, r"{\left(e^{x}\right)}^{2}"),
    (x ** (y + z), r"{x}^{y + z}"),
    (cr.tanh(x) * 2.0, r"2 \cdot \tanh\left(x\right)"),
    (cr.sum(x) * y, r"\left(\sum x\right) \cdot y"),
    (cr.sum(x + y), r"\sum \left(x + y\right)"),
    (cr.relu(x) + cr.step(y), r"\max\left(0, x\right) + \left(\begin{cases} 0 & y \le 0 \\ "
     r"1 & y > 0 \end{cases}\right)"),
    (x * -2.5, r"-2.5 \cdot x"),
    (x * 1e-7, r"10^{-7} \cdot x"),
]  # fmt: skip


@pytest.mark.parametrize(("node", "expected"), FORMULAS, ids=lambda v: str(v)[:30])
def test_brackets_stand_where_they_are_needed_and_nowhere_else(node, expected):
    assert latex(node) == expected


TEXTS = [
    (cr.tanh(x * w) ** 2, "tanh(x * w) ** 2"),
    ((x + y) * z, "(x + y) * z"),
    (x - (y - z), "x - (y - z)"),
    (x / (y * z), "x / (y * z)"),
    (-(x**2), "-x ** 2"),
    ((-x) ** 2, "(-x) ** 2"),
    (x**-1.5, "x ** (-1.5)"),
    ((x**y) ** z, "(x ** y) ** z"),
    (x ** (y**z), "x ** y ** z"),
    (cr.where(x > y, x, y), "where(x > y, x, y)"),
    (cr.leaky_relu(x, 0.2), "leaky_relu(x, slope=0.2)"),
    (cr.sum(cr.broadcast_to(x, (2, 3)), axis=1), "sum(x, axis=1)"),
]


@pytest.mark.parametrize(("node", "expected"), TEXTS, ids=lambda v: str(v)[:30])
def test_text_reads_as_python(node, expected):
    assert text(node) == expected


@pytest.mark.parametrize(("node", "expected"), TEXTS[:9], ids=lambda v: str(v)[:30])
def test_sympy_reads_the_text_as_the_same_number(node, expected):
    values = {"x": 0.7, "y": 1.3, "z": 0.4, "w": 2.1}
    e = sympy.sympify(text(node))
    assert float(e.subs(values)) == pytest.approx(float(by_hand(node, values)))


def by_hand(node, values):
    from chainrule.graph import fold

    return fold(
        (node,),
        lambda n, *xs: values[n.name] if n.name else n.op.forward(np, *map(np.float64, xs)),
    )[node]


SIMPLER = [
    (x * 1.0, "x"),
    (1.0 * x, "x"),
    (x + 0.0, "x"),
    (0.0 + x, "x"),
    (x - 0.0, "x"),
    (0.0 - x, "-x"),
    (-1.0 * x, "-x"),
    (x * -1.0, "-x"),
    (cr.negative(-x), "x"),
    (x - (-y), "x + y"),
    (x + (-y), "x - y"),
    (-x * y, "-(x * y)"),
    (cr.negative(-x * y), "x * y"),
    (x / 1.0, "x"),
    (x * x, "x ** 2"),
    (x**1.0, "x"),
    (1.0 * (0.0 + cr.negative(-x) * 1.0) + 0.0, "x"),
]


@pytest.mark.parametrize(("node", "expected"), SIMPLER, ids=lambda v: str(v)[:30])
def test_what_nobody_would_write_is_not_written(node, expected):
    assert text(node) == expected


def test_simplifying_keeps_shapes_and_dtypes():
    n = input_node((3,), np.float32, "n")
    kept = cr.capture(lambda n: (n * np.ones((), np.float64), np.ones((2, 1)) * 1.0 * n), n).outputs
    from chainrule.read import simplify

    assert [(a.shape, a.dtype) for a in simplify(kept)] == [(a.shape, a.dtype) for a in kept]


def test_truths_have_no_sign_to_simplify():
    from chainrule.read import simplify

    m = input_node((3,), np.bool_, "m")
    kept = cr.capture(lambda m: (m * -1, cr.subtract(0, m)), m).outputs
    assert [(a.shape, a.dtype) for a in simplify(kept)] == [((3,), np.dtype(int))] * 2


NAMES = {
    "x": "x", "w1": "w_{1}", "w_1": "w_{1}", "loss": r"\mathrm{loss}", "alpha": r"\alpha",
    "h_out": r"h_{\mathrm{out}}", "a_b_c": r"\mathrm{a\_b\_c}", "x$": r"\mathrm{x\$}",
    r"\input{f}": r"\mathrm{\backslash input\{f\}}", "50%": r"\mathrm{50\%}",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_become_symbols_and_nothing_else(name):
    assert latex(input_node((), float, name)) == NAMES[name]


def test_inputs_without_a_name_get_free_letters():
    a, b, i = input_node((2,)), input_node((2,)), input_node((2,), np.int64)
    assert text(x * (a + b)[i]) == "x * gather(a1 + a2, k, key=(('array', 0),))"
    assert latex(a * b) == r"x_{1} \cdot x_{2}"


def test_a_tensor_is_read_like_a_node():
    t = cr.tensor([1.0, 2.0], name="t")
    assert latex(cr.tanh(2.0 * t) + 1) == r"\tanh\left(2 \cdot t\right) + 1"
    assert text(cr.sum(t @ t)) == "sum(t @ t)"


def test_a_long_chain_is_read_without_recursion():
    n = x
    for _ in range(1_000):
        n = cr.sin(n)
    assert latex(n).count(r"\sin") == 1_000


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.traces], ids=str)
def test_every_example_can_be_read(example):
    graph = cr.capture(example.call, *example.arguments())
    for output in graph.outputs:
        tex = latex(output)
        assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
        assert tex.count(r"\left") == tex.count(r"\right")
        assert "#" not in tex
        assert text(output)
