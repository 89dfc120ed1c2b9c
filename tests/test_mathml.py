"""MathML: well-formed, spoken, and nothing in it runs."""

from xml.etree import ElementTree

import pytest

import chainrule as cr
from chainrule.ops.catalogue import EXAMPLES
from chainrule.read import latex
from chainrule.read.latex import symbol
from chainrule.read.mathml import NAMESPACE, mathml
from chainrule.read.plain import plain

# What MathML Core has, so that browsers show it without a script.
CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msub", "msup",
    "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd",
}  # fmt: skip
CHILDREN = {"mfrac": 2, "msub": 2, "msup": 2, "msubsup": 3, "munder": 2, "mover": 2,
            "munderover": 3}  # fmt: skip


def elements(tex, display=False):
    root = ElementTree.fromstring(mathml(tex, display))
    return [(e.tag.removeprefix(f"{{{NAMESPACE}}}"), e) for e in root.iter()]


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.traces], ids=str)
def test_every_formula_is_mathml_core_with_the_right_number_of_children(example):
    for output in cr.capture(example.call, *example.arguments()).outputs:
        for tag, e in elements(latex(output)):
            assert tag in CORE
            assert len(e) == CHILDREN.get(tag, len(e))


ATTACKS = ["</math><script>alert(1)</script>", '"><img onerror=x>', "a&b<c", "'quoted\""]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_users_name_is_shown_and_never_run(name):
    tex = symbol(name)
    found = elements(tex)
    assert [tag for tag, _ in found] == ["math", "mi"]
    assert found[1][1].text.replace("\u00a0", " ") == name
    assert found[0][1].get("alttext") == found[0][1].get("aria-label") == name
    assert "<script" not in mathml(tex)


def test_the_formula_says_itself_in_plain_text():
    tex = r"\frac{\partial L}{\partial w}"
    assert elements(tex)[0][1].get("alttext") == plain(tex) == "∂L/∂w"


def test_a_mark_is_an_attribute_without_an_id():
    (_, mark), *_ = [(t, e) for t, e in elements(r'\mark{e"1}{x} y') if e.get("data-mark")]
    assert mark.get("data-mark") == 'e"1'
    assert not any(e.get("id") for _, e in elements(r"\mark{a}{x}"))


def test_display_gives_the_formula_a_line_and_the_sum_its_limits_above_and_below():
    tex = r"\sum_{i=1}^{N} x_{i}"
    assert elements(tex, display=True)[0][1].get("display") == "block"
    assert elements(tex)[0][1].get("display") is None
    (_, limits), *_ = [(t, e) for t, e in elements(tex) if t == "munderover"]
    assert limits[0].get("movablelimits") == "true"


FORMS = {
    "-x": ["prefix"], "a - b": ["infix"], r"a = -b": [None, "prefix"],
    r"\left(-a\right)": ["prefix", "prefix", "postfix"], "a + b - c": ["infix", "infix"],
    r"\begin{aligned} a &= b \\ &- c \end{aligned}": [None, "infix"],
}  # fmt: skip


@pytest.mark.parametrize("tex", FORMS)
def test_a_minus_before_a_part_keeps_less_distance_than_one_between_parts(tex):
    assert [e.get("form") for tag, e in elements(tex) if tag == "mo"] == FORMS[tex]


INVISIBLE = {"a b": "\u2062", r"\sin\left(x\right)": "\u2061", r"2 x": "\u2062"}


@pytest.mark.parametrize("tex", INVISIBLE)
def test_products_and_calls_that_are_not_written_are_there_to_be_heard(tex):
    assert INVISIBLE[tex] in [e.text for tag, e in elements(tex) if tag == "mo"]


def test_cases_are_a_table_behind_a_brace_that_grows():
    found = elements(r"\begin{cases} 0 & x \le 0 \\ 1 & x > 0 \end{cases}")
    assert [tag for tag, _ in found].count("mtd") == 4
    (brace,) = [e for tag, e in found if tag == "mo" and e.text == "{"]
    assert brace.get("stretchy") == "true"
