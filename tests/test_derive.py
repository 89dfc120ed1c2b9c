"""A derivation is data that reads: its sections, its words, its errors, its renderings."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn
from chainrule.study.derive import derive
from chainrule.study.derive.reading import read
from chainrule.study.derive.sweep import sweep


def neuron():
    """The sigmoid neuron of a well-known article: its cost, and its leaves."""
    given = {"w1": 2.0, "w2": -3.0, "b": -3.0, "x1": -1.0, "x2": -2.0, "y": 1.0}
    w1, w2, b, x1, x2, y = (cr.tensor(v, name=k) for k, v in given.items())
    z = (w1 * x1 + w2 * x2 + b).named("z")
    a = cr.sigmoid(z).named("a")
    return (0.5 * (y - a) ** 2).named("C"), [w1, w2, b]


def two_layers(rows=3, hidden=4):
    """Affine, relu, affine, mean squared error: the article that derives it line by line."""
    rng = np.random.default_rng(3)
    x, y = rng.integers(-2, 3, (rows, 2)) / 1.0, rng.integers(0, 3, (rows, 1)) / 1.0
    x, y = cr.tensor(x + 0.5, name="x"), cr.tensor(y, name="y")
    w1 = cr.tensor(rng.integers(-4, 5, (2, hidden)) / 4.0, name="w1")
    b1 = cr.tensor(rng.integers(-4, 5, hidden) / 8.0, name="b1")
    w2 = cr.tensor(rng.integers(-4, 5, (hidden, 1)) / 4.0, name="w2")
    b2 = cr.tensor([0.25], name="b2")
    u1 = (x @ w1 + b1).named("u1")
    u2 = cr.relu(u1).named("u2")
    u3 = (u2 @ w2 + b2).named("u3")
    u4 = (y - u3).named("u4")
    u5 = (u4**2).named("u5")
    return cr.mean(u5).named("MSE"), dict(x=x, w1=w1, b1=b1, w2=w2, b2=b2)


@pytest.fixture(scope="module")
def of_the_neuron():
    return derive(*neuron())


@pytest.fixture(scope="module")
def in_matrices():
    loss, leaves = two_layers()
    return derive(loss, wrt=leaves["w1"], sizes={3: "N"})


SECTIONS = ("substitution", "rewriting", "chain rule", "local gradients", "running products",
            "back-substitution", "simplification", "delta")  # fmt: skip


def test_the_sections_stand_in_the_order_of_a_derivation(of_the_neuron):
    assert tuple(s.name for s in of_the_neuron.sections) == SECTIONS


def test_every_step_has_a_rule_and_a_line(of_the_neuron):
    assert all(step.rule and step.line for step in of_the_neuron.steps)


def test_substitution_names_every_value_and_keeps_the_users_names(of_the_neuron):
    names = [step.left for step in of_the_neuron.section("substitution")]
    assert names == ["u_{1}", "u_{2}", "u_{3}", "z", "a", "u_{4}", "u_{5}", "C"]


def test_numbers_are_put_in_beside_the_symbols(of_the_neuron):
    first = of_the_neuron.section("substitution")[0]
    assert (first.right, first.numbers) == (
        r"w_{1} \cdot x_{1}", r"2 \cdot \left(-1\right)"
    )  # fmt: skip
    assert float(first.result) == -2.0


def test_the_loss_shrinks_line_by_line():
    loss, leaves = two_layers()
    lines = derive(loss, leaves["w1"], form="index", sizes={3: "N"}).section("rewriting").steps
    sizes = [len(line.right) for line in lines]
    assert all(line.right.startswith(r"\frac{1}{N} \sum_{i=1}^{N}") for line in lines)
    assert len(sizes) == 6
    assert sizes == sorted(sizes, reverse=True)


def test_the_chain_of_a_chain_is_one_product(in_matrices):
    (step,) = in_matrices.section("chain rule")
    assert step.right.count(r"\frac{\partial") == 6
    assert "+" not in step.right


def test_running_products_grow_in_brackets(of_the_neuron):
    grown = [step.also[-1] for step in of_the_neuron.section("running products")][1:4]
    assert [tex.count(r"\frac{\partial") for tex in grown] == [2, 3, 4]
    assert all(tex.startswith(r"\left(") for tex in grown)


def test_the_closed_formula_of_the_neuron_is_the_articles(of_the_neuron):
    found = [c.tex for c in of_the_neuron.closed]
    short = r"-\left(y - a\right) a \left(1 - a\right)"
    assert found == [f"{short} x_{{1}}", f"{short} x_{{2}}", short]


def test_the_closed_formula_in_matrices_puts_the_transposes_where_they_fit(in_matrices):
    (closed,) = in_matrices.closed
    assert closed.tex.startswith(r"\frac{2}{N} x^{\top} \left(E w_{2}^{\top} \odot")
    assert closed.where[0].name == "E"
    assert closed.where[0].tex.endswith("- y")


def test_the_cases_stay_inside_the_sum():
    loss, leaves = two_layers()
    (closed,) = derive(loss, leaves["w1"], form="index", sizes={3: "N"}).closed
    assert re.search(r"\\sum_\{i = 1\}\^\{N\} \\begin\{cases\} 0 &", closed.tex)
    assert re.search(r"x_\{i j\} e_\{i\} &", closed.tex)  # the factors stand in the open case


WHY = {
    "w1": ("Why xᵀ", "3×2", "(2×3) times G (3×4) = 2×4"),
    "w2": ("Why u2ᵀ", "3×4", "(4×3) times G (3×1) = 4×1"),
    "b1": ("Why the sum", "4 numbers", "each of the 3 rows"),
    "b2": ("Why the sum", "1 number ", "3×1"),
}


@pytest.mark.parametrize("name", WHY)
def test_every_transpose_and_every_sum_is_explained_with_this_calls_shapes(name):
    loss, leaves = two_layers()
    found = derive(loss, leaves[name])
    told = found.section("running products").steps[-1].reason
    assert [words in told for words in WHY[name]] == [True] * 3


def test_shapes_stand_beside_products(in_matrices):
    shapes = [s.shapes for s in in_matrices.section("running products") if s.shapes]
    assert shapes == ["(N×1)(1×4) = (N×4)", "(2×N)(N×4) = (2×4)"]


def test_delta_is_named_where_the_paths_join_and_its_reuse_counted(of_the_neuron):
    section = of_the_neuron.section("delta")
    assert (section[0].left, section[0].of) == (r"\delta", ("z",))
    assert [s.right for s in section.steps[1:4]] == [
        r"\delta x_{1}", r"\delta x_{2}", r"\delta"
    ]  # fmt: skip
    # Three paths of square, sigmoid and product, two of them with a weight: 3 + 3 + 2, or 4 once.
    assert section[-1].result == 8 - 4


def test_every_layer_has_its_delta():
    loss, leaves = two_layers()
    found = derive(loss, [leaves[k] for k in ("w1", "b1", "w2", "b2")]).section("delta")
    named = {s.symbol: s.of[0] for s in found if s.rule == "name δ"}
    assert named == {r"\delta_{1}": "u1", r"\delta_{2}": "u3"}


def test_one_leaf_shares_with_nobody(in_matrices):
    assert "delta" not in [s.name for s in in_matrices.sections]


def test_where_several_paths_meet_their_sum_is_written():
    x = cr.tensor(2.0, name="x")
    found = derive((cr.sin(x) * x**2).named("y"), x)
    first, *meetings = found.section("chain rule")
    assert first.right.count("+") == 1
    assert first.reason.startswith("2 paths")
    assert meetings == []


def test_paths_that_are_too_many_are_counted_not_written():
    x = cr.tensor(0.1, name="x")
    y = x
    for _ in range(5):
        y = y + cr.sin(y)
    first, *meetings = derive(y.named("y"), x).section("chain rule")
    assert first.reason.startswith("32 paths")
    assert len(meetings) == 4


KINKS = {
    "relu": (lambda x: cr.relu(x), 0.0, "What the engine takes: 0 "),
    "abs": (lambda x: cr.abs(x), 0.0, "What the engine takes: 0 "),
    "leaky_relu": (lambda x: cr.leaky_relu(x), 0.0, "the slope of the left side"),
    "maximum": (lambda x: cr.maximum(x, 1.0), 1.0, "½ for each operand"),
    "sqrt": (lambda x: cr.sqrt(x), 0.0, "+inf"),
}


@pytest.mark.parametrize("name", KINKS)
def test_a_kink_on_the_path_is_shown(name):
    f, at, told = KINKS[name]
    x = cr.tensor(at, name="x")
    with np.errstate(all="ignore"):
        notes = [s.note for s in derive(f(x).named("y"), x).section("local gradients")]
    assert notes[0].startswith("Not differentiable here: x is at")
    assert told in notes[0]


@pytest.mark.parametrize("name", KINKS)
def test_away_from_the_kink_nothing_is_warned_of(name):
    f, at, _ = KINKS[name]
    x = cr.tensor(at + 0.5, name="x")
    assert [s.note for s in derive(f(x).named("y"), x).section("local gradients")] == [""]


def test_a_kink_among_many_elements_is_counted():
    x = cr.tensor([0.0, 1.0, 0.0], name="x")
    note = derive(cr.sum(cr.relu(x)), x).section("local gradients")[1].note
    assert "2 of 3 elements lie at 0" in note


# ---------------------------------------------------------------------------------- errors

w, v = cr.tensor(1.0, name="w"), cr.tensor([1.0, 2.0], name="v")
n = cr.tensor(np.array(3), name="n")


def steps(count):
    x = y = cr.tensor(0.5, name="x")
    for _ in range(count):
        y = cr.sin(y)
    return y, x


REFUSED = {
    "not on the path": (lambda: derive(w * 2.0, v), cr.PathError, "does not depend on v; it was "
                        "computed from w"),
    "not one number": (lambda: derive(v * 2.0, v), cr.ScalarError, "of multiply, shape (2,)"),
    "an integer loss": (lambda: derive(n * 2, n), cr.DTypeError, "of int64"),
    "by an integer": (lambda: derive(w * n, n), cr.DTypeError, "with respect to n, which is int64"),
    "too large": (lambda: derive(*steps(61)), cr.UsageError, "61 steps lie between the loss and"),
    "too large, the way out": (lambda: derive(*steps(61)), cr.UsageError, "fold=True"),
    "an unknown form": (lambda: derive(w * 2.0, w, form="tensor"), cr.UsageError,
                        "form='tensor'; use one of 'scalar', 'index', 'matrix'"),
    "scalar form of arrays": (lambda: derive(cr.sum(v * w), w, form="scalar"), cr.UsageError,
                              "v is an array of shape (2,)"),
    "matrix form of three axes": (
        lambda: derive(cr.sum(cr.tensor(np.ones((2, 2, 2)), name="c") * w), w, form="matrix"),
        cr.UsageError, "c has 3 axes, (2, 2, 2)"),
    "no tensor": (lambda: derive(3.0), cr.UsageError, "of a float"),
    "wrt no tensor": (lambda: derive(w * 2.0, 3.0), cr.UsageError, "wrt holds a float"),
    "wrt the loss": (lambda: derive(w, w), cr.PathError, "which is the loss itself"),
    "nothing": (lambda: derive(w * 2.0, []), cr.UsageError, "wrt is empty"),
    "stopped": (lambda: derive(cr.stop_gradient(w * 2.0) * v[0], w), cr.PathError, "depend on w"),
    "cut": (lambda: derive(cr.sum((v > w * 1.0) * v), w), cr.PathError,
            "no gradient reaches w: greater lets none through"),
    "constants only": (lambda: derive(cr.sum(cr.stop_gradient(v)) * 1.0), cr.PathError,
                       "constants only"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_derived_is_refused_with_the_way_out(case):
    call, kind, words = REFUSED[case]
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert message.startswith("derive: ")
    assert words in message
    assert "made at test_derive.py:" in message


def test_a_folded_derivation_keeps_what_has_no_name_closed():
    x = h = cr.tensor(0.3, name="x")
    for k in range(3):
        for _ in range(30):
            h = cr.sin(h + x)
        h = h.named(f"h{k + 1}")
    found = derive((h**2).named("y"), x, fold=True)
    assert [s.left for s in found.section("substitution")] == [
        "h_{1}", "h_{2}", "h_{3}", "y"
    ]  # fmt: skip
    assert found.section("substitution")[0].note.startswith("Kept closed: 60 operations")


def test_a_deep_network_folds_at_its_layers_or_at_the_model():
    layers = [x for _ in range(40) for x in (nn.Linear(2, 2), nn.Tanh())]
    model = nn.Sequential(*layers, nn.Linear(2, 1))
    loss = nn.losses.mse(model(np.ones((3, 2), np.float32)), np.ones((3, 1), np.float32))
    found = derive(loss, model[0].weight, fold=True)
    assert len(found.section("substitution")) <= 4


# ------------------------------------------------------------------------------ renderings


def test_the_text_holds_every_section_and_no_tex(of_the_neuron):
    text = str(of_the_neuron)
    assert [f"{k + 1}. {s.title}" in text for k, s in enumerate(of_the_neuron.sections)] == (
        [True] * len(SECTIONS)
    )
    assert "\\" not in text
    assert "{" not in text


def test_a_reason_is_told_once_and_then_called_to_mind():
    loss, leaves = two_layers()
    text = derive(loss, leaves["w1"]).text()
    assert text.count("Why xᵀ: x is 3×2") == 1
    assert text.count("Why xᵀ: as above.") == 1


@pytest.mark.parametrize("form", ["matrix", "index"])
def test_the_page_is_well_formed_and_runs_and_loads_nothing(form):
    loss, leaves = two_layers()
    page = derive(loss, leaves["w1"], form=form).mathml()
    ET.fromstring(page)
    assert "<script" not in page
    assert re.search(r"(src|href)=|url\(|@import|onload|onclick", page) is None
    assert "<math" in page


NASTY = "</text><script>alert(1)</script>&$#_{}%\\"


def test_a_label_is_shown_and_never_run():
    x = cr.tensor(2.0, name=NASTY)
    found = derive(cr.square(x).named("<b>y"), x)
    ET.fromstring(found.mathml())
    assert "<script>" not in found.mathml()
    assert "<script>" not in found.markdown().replace("$$", "")
    assert "<b>" not in found.mathml()
    assert r"\textless{}/text\textgreater{}" in found.latex()


def test_latex_is_balanced(of_the_neuron):
    tex = of_the_neuron.latex()
    assert tex.count(r"\begin{aligned}") == tex.count(r"\end{aligned}") > 20
    assert tex.count(r"\[") == tex.count(r"\]")
    assert r"\mark" not in tex


def test_a_notebook_is_offered_text_and_html(of_the_neuron):
    bundle = of_the_neuron._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"] == of_the_neuron._repr_html_()


@pytest.mark.parametrize("suffix", [".html", ".tex", ".md", ".txt"])
def test_it_is_saved_in_the_format_its_name_asks_for(suffix, tmp_path, of_the_neuron):
    path = tmp_path / f"neuron{suffix}"
    of_the_neuron.save(str(path))
    assert "δ" in path.read_text("utf-8") or r"\delta" in path.read_text("utf-8")


def test_an_unknown_format_is_refused(tmp_path, of_the_neuron):
    with pytest.raises(cr.UsageError, match=r"end it in one of \.html"):
        of_the_neuron.save(str(tmp_path / "neuron.pdf"))


def test_a_factor_carries_the_mark_of_its_edge(of_the_neuron):
    product = of_the_neuron.section("chain rule")[0].right
    assert r"\mark{a-z}{\frac{\partial a}{\partial z}}" in product


def test_a_graph_without_numbers_is_derived_in_symbols():
    graph = cr.capture(lambda x, w: cr.square(x * w), 1.0, 2.0)
    found = derive(graph, list(graph.inputs))
    assert [c.gradient for c in found.closed] == [None, None]
    assert [c.tex for c in found.closed] == ["2 x {w}^{2}", "2 {x}^{2} w"]


def test_a_model_says_what_its_parameters_are_called():
    model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))
    loss = nn.losses.mse(model(np.ones((4, 2), np.float32)), np.ones((4, 1), np.float32))
    assert list(derive(loss, model).gradients) == [
        "layer0_weight", "layer0_bias", "layer2_weight", "layer2_bias"
    ]  # fmt: skip


def test_the_slope_of_a_power_has_its_exponent_as_a_number():
    x = cr.tensor([1.7, 2.0], name="x")
    for loss in (cr.sum(x**3), cr.sum(x) ** 3):
        assert "otherwise" not in str(derive(loss.named("L"), wrt=x))


def test_text_has_no_bracket_no_dot_and_no_side_too_many():
    p, q = cr.tensor(0.7, name="p"), cr.tensor(-1.3, name="q")
    told = str(derive((cr.cos(3 * q) / p + cr.log(p) * p).named("f"), wrt=[p, q]))
    assert "cos(−3.9)" in told  # not cos((−3.9))
    assert "∂/∂u₁ (3 · q)" in told or "∂/∂q (3 · q)" in told
    assert "= −3.9" in told  # 3 · 1.3 ends: nothing is rounded for the page
    lines = [line.split(" = ") for line in told.splitlines()]
    assert all(len(set(sides)) == len(sides) for sides in lines)


def test_the_path_to_a_value_is_the_one_way_down_and_nothing_where_ways_meet():
    w = cr.tensor(0.5, name="w")
    y = cr.sin(w)

    def path(loss):
        swept = sweep(read(loss, [w], {}, False))
        return [str(e.reader.op) for e in swept.path(swept.reading.targets[0])]

    assert path(cr.exp(cr.square(y))) == ["exp", "square", "sin"]
    assert path(cr.exp(y) + cr.square(y)) == []
    assert path(cr.square(w) + 1.0) == ["add", "square"]
