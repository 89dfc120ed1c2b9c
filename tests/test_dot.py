"""DOT and Mermaid text: whatever a label holds, the graph around it stays what it is."""

import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.show.dot import dot
from chainrule.show.draw import draw
from chainrule.show.graph.sheet import Item, Out, Row, Sheet
from chainrule.show.mermaid import mermaid

NASTY = [
    "</text><script>alert(1)</script>", 'quote " and \' end', "a ] b [ c", "a | b", "{ x }",
    "two\nlines", "back\\slash", "ends in \\", "&lt;b&gt;", "%% comment", "a --> b", "#35;", "end",
    "x;y", "nul\x00", "\ud800", "δ₁ = 0.73", " ",
]  # fmt: skip


def sheet_of(label):
    """Two leaves under an op and the end, all with the same label, and a title of it."""
    leaf = Item("a", "input", label, label, outs=[Out(label, (label,), (label,))], head=label)
    op = Item("m", "op", label, label, label, label,
              rows=[Row("a", 0, label, (label,)), Row("a", 0, dead=True)],
              outs=[Out(label, (label,), (label,))], told=(label, label))  # fmt: skip
    end = Item("e", "end", label, rows=[Row("m")])
    return Sheet([leaf, op, end], label, label)


GROUPS, TITLES = {"m": "inner", "inner": "outer"}, {"inner": "in", "outer": "out"}
STRING = r'"(?:[^"\\]|\\.)*"'


def bare(text):
    """The text with every string in quotes taken out: what is left is the graph."""
    return re.sub(STRING, '""', text)


@pytest.mark.parametrize("style", ["graph", "micrograd"])
@pytest.mark.parametrize("label", NASTY)
def test_no_label_changes_the_dot_around_it(label, style):
    text = dot(sheet_of(label), GROUPS, {g: label for g in TITLES}, style)
    assert bare(text) == bare(dot(sheet_of("plain"), GROUPS, TITLES, style))


@pytest.mark.parametrize("label", NASTY)
def test_no_label_changes_the_mermaid_around_it(label):
    text = mermaid(sheet_of(label), GROUPS, {g: label for g in TITLES})
    plain = mermaid(sheet_of("plain"), GROUPS, TITLES)
    assert re.sub(r'"[^"\n]*"', '""', text) == re.sub(r'"[^"\n]*"', '""', plain)


@pytest.mark.parametrize("label", NASTY)
def test_mermaid_is_handed_no_markup(label):
    strings = re.findall(r'"([^"\n]*)"', mermaid(sheet_of(label), GROUPS))
    assert not any(set("<>{}[]|\\`&") & set(s.replace("<br/>", "")) for s in strings)


@pytest.mark.parametrize("label", ["a | b", "{ x }", "<p> q", "back\\slash"])
def test_a_field_of_a_record_stays_one_field(label):
    text = dot(sheet_of(label), style="micrograd")
    record = next(line for line in text.splitlines() if "shape=record" in line)
    inside = re.search(r'label="((?:[^"\\]|\\.)*)"', record)[1]
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", inside)) == 2  # name | data | grad


def test_dot_and_mermaid_show_what_was_written():
    assert 'label="a \\"b\\""' in dot(Sheet([], 'a "b"', ""))
    leaf = Item("a", "fixed", "<w>")
    assert 'n0["#60;w#62;"]' in mermaid(Sheet([leaf], "", ""))


def test_boxes_lie_in_boxes():
    text = dot(sheet_of("x"), GROUPS, TITLES)
    outer, inner, item = (text.index(t) for t in ('label="out"', 'label="in"', "n1 ["))
    assert outer < inner < item < text.index("}", item)
    text = mermaid(sheet_of("x"), GROUPS, TITLES)
    assert text.index('["out"]') < text.index('["in"]') < text.index("n1([") < text.index("end")


def test_a_gradient_that_does_not_flow_is_a_dashed_line():
    assert "style=dashed" in dot(sheet_of("x"))
    assert "n0 -.-> n1" in mermaid(sheet_of("x"))


def test_values_and_gradients_stand_on_the_lines():
    x, y = cr.tensor(3.0, name="x"), cr.tensor(2.0, name="y")
    made = draw(cr.square(x * y))
    assert "→ 6\\n← 12" in made.dot()
    assert "→ 6<br/>← 12" in made.mermaid()


def test_an_eager_model_has_its_layers_as_boxes():
    model = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))
    loss = cr.nn.losses.mse(model(np.ones((4, 2), np.float32)), np.ones((4, 1), np.float32))
    assert "0  Linear 2→3" in draw(loss).dot()
    assert "0  Linear 2→3" in draw(loss).mermaid()


def test_the_same_sheet_gives_the_same_text():
    assert dot(sheet_of("x"), GROUPS) == dot(sheet_of("x"), GROUPS)
    assert mermaid(sheet_of("x"), GROUPS) == mermaid(sheet_of("x"), GROUPS)
