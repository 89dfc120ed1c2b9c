"""The TeX subset: everything our readers write is read back; anything else is refused by place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph import input_node
from chainrule.graph.errors import ExpressionError
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read import latex, latex_of_locals
from chainrule.read.latex import clean, symbol
from chainrule.read.plain import plain
from chainrule.read.tex import parse, unmarked, write
from chainrule.read.tree import Big, Fenced, Fraction, Mark, Row, Script, Table, Word

TRACED = [e for e in EXAMPLES if e.traces]


@pytest.mark.parametrize("example", TRACED, ids=str)
def test_what_is_written_of_a_graph_is_read_back_as_it_was(example):
    for output in cr.capture(example.call, *example.arguments()).outputs:
        tree = parse(latex(output))
        assert parse(write(tree)) == tree


@pytest.mark.parametrize("example", [e for e in TRACED if e.op is not None], ids=str)
def test_local_gradients_are_read_back_as_they_were(example):
    nodes = [input_node((), x.dtype) for x in example.arguments()]
    for tex in latex_of_locals(example.call(*nodes)):
        tree = parse(tex)
        assert parse(write(tree)) == tree


DERIVATION = {
    r"\frac{\partial L}{\partial w}": Fraction,
    r"\sum_{i=1}^{N} e_{i}": Row,
    r"\sum_{i=1}^{N}": Big,
    r"\max_{i}": Big,
    r"\begin{cases} 0 & u_{1} \le 0 \\ 1 & u_{1} > 0 \end{cases}": Table,
    r"\begin{aligned} a &= b \\ &= c \end{aligned}": Table,
    r"\begin{bmatrix} 1 & -2 \\ 3 & 4.5 \end{bmatrix}": Table,
    r"X^{\top}": Script,
    r"{\left(A \odot B\right)}^{\top}": Script,
    r"\underbrace{a + b}_{\text{their sum}}": object,
    r"\mathbb{1}\left[x > 0\right]": Row,
    r"\hat{y}": object,
    r"f'": Script,
    r"\left\|x\right\|": Fenced,
    r"(w_{1})_{ih}": Script,
    r"\mark{edge 1}{\delta}": Mark,
    r"\mathrm{learning\_rate}": Word,
}


@pytest.mark.parametrize("tex", DERIVATION)
def test_what_a_derivation_needs_is_read(tex):
    tree = parse(tex)
    assert isinstance(tree, DERIVATION[tex])
    assert parse(write(tree)) == tree


MISTAKES = {
    r"a + \foo{b}": (r"\foo is not known", 4),
    r"\frac{a}": ("something is missing", 8),
    "x_1_2": ("a second _", 3),
    r"\left( a": (r"\right is missing", 8),
    "a }": ("closes nothing", 2),
    r"\begin{cases} a": (r"\end is missing", 15),
    r"\begin{tabular}": ("no table that is known", 14),
    r"\begin{cases} a \end{aligned}": ("closed by another name", 28),
    r"\mathrm{a": ("closing brace } is missing", 9),
    r"\mathrm{\input{x}}": (r"\input inside a word", 8),
    "a @ b": ("@ is not part of the notation", 2),
    "x_": ("something is missing", 2),
    r"a \\ b": ("closes nothing", 2),
    r"\left": ("still missing", 5),
    r"\left a \right)": ("a is no bracket", 6),
    "{" * 400: ("nested more than 150 deep", None),
}


@pytest.mark.parametrize("tex", MISTAKES, ids=lambda t: t[:20])
def test_what_is_not_read_is_refused_with_its_place(tex):
    words, at = MISTAKES[tex]
    with pytest.raises(ExpressionError) as error:
        parse(tex)
    message, _, caret = str(error.value).split("\n")
    assert message.startswith("formula: ")
    assert words in message
    assert at is None or caret.index("^") - 2 == at


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_in_our_words(text):
    try:
        tree = parse(text)
    except ExpressionError:
        return
    assert parse(write(tree)) == tree


@given(st.text(alphabet=r"\{}^_&ab1 ()[]|'.,lefrightcdo", max_size=40))
def test_any_text_that_looks_like_tex_is_read_or_refused_in_our_words(text):
    try:
        tree = parse(text)
    except ExpressionError:
        return
    assert parse(write(tree)) == tree


@given(st.text(min_size=1, max_size=12))
def test_any_name_is_a_symbol_that_can_be_read(name):
    assert parse(symbol(name)) is not None


def test_marks_are_dropped_for_writers_of_plain_latex():
    tex = r"\mark{a}{x} + \frac{\mark{b}{y}}{2}"
    assert clean(tex) == unmarked(tex) == r"x + \frac{y}{2}"
    assert clean(r"x  +  y") == r"x  +  y"


PLAIN = {
    r"\frac{\partial L}{\partial w} = \frac{2}{N} \sum_{i=1}^{N} e_{i} w_{2}^{\top}":
        "∂L/∂w = 2/N · Σᵢ eᵢ w₂ᵀ",
    r"\begin{cases} 0 & u_{1} \le 0 \\ 1 & u_{1} > 0 \end{cases}": "{0 if u₁ ≤ 0; 1 if u₁ > 0}",
    r"\begin{cases} x & \text{if } c \\ y & \text{otherwise} \end{cases}":
        "{x if c; y otherwise}",
    r"\frac{a + b}{c}": "(a + b) / c",
    r"\frac{a}{b c}": "a / (b c)",
    r"-\left(x + y\right) - 3": "−(x + y) − 3",
    r"\sqrt{x^{2} + 1}": "√(x² + 1)",
    r"x_{id} w_{h'}": "x_id w_h′",
    r"x_{i+1}": "xᵢ₊₁",
    r"\sum_{j=1}^{i} x_{j}": "Σ(j=1…i) xⱼ",
    r"\ln\left(\sum_{k=1}^{3} e^{x_{k}}\right)": "ln(Σₖ e^xₖ)",
    r"10^{-7} \cdot x": "10⁻⁷ · x",
    r"\hat{y}": "ŷ",
    r"\mathbf{1}_{3}^{\top} A": "𝟏₃ᵀ A",
    r"{A}^{\odot 2}": "A^⊙2",
    r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}": "[1, 2; 3, 4]",
    r"\mark{a}{x} + 1": "x + 1",
    r"\underbrace{a + b}_{\text{sum}}": "(a + b) [sum]",
    r"\begin{aligned} a &= b \\ &= c \end{aligned}": "a = b; = c",
    r"k_{i} \equiv j \pmod{3}": "kᵢ ≡ j (mod 3)",
}  # fmt: skip


@pytest.mark.parametrize("tex", PLAIN)
def test_a_formula_as_one_line_of_plain_text(tex):
    assert plain(tex) == PLAIN[tex]


def test_an_empty_group_is_written_as_one():
    assert parse(write(parse("0{}"))) == parse("0{}")
