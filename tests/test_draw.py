"""Drawings: the numbers are the engine's, nothing overlaps, and no label is taken for markup."""

import re
from html.parser import HTMLParser
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.show.draw import draw
from chainrule.show.graph import picture
from chainrule.show.graph.figures import figure
from chainrule.show.graph.kinks import kink
from chainrule.show.graph.marks import safe
from chainrule.study.trace import trace

NASTY = "</text><script>alert(1)</script>&\"'\x07"
RNG = np.random.default_rng(0)


def leaves(**values):
    return [cr.tensor(v, name=n) for n, v in values.items()]


def neuron():
    w1, x1, w2, x2, b = leaves(w1=2.0, x1=-1.0, w2=-3.0, x2=-2.0, b=-3.0)
    z = (w1 * x1 + w2 * x2 + b).named("z")
    return (0.5 * (1.0 - cr.sigmoid(z).named("a")) ** 2).named("C")


def gates():
    x, y, z = leaves(x=-2.0, y=5.0, z=-4.0)
    return ((x + y).named("q") * z).named("L")


def forked():
    (x,) = leaves(x=1.5)
    return x * x + cr.sin(x) * x


def network():
    model = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.ReLU(), cr.nn.Linear(4, 3))
    x = np.linspace(-1.0, 1.0, 15, dtype=np.float32).reshape(5, 3)
    return model, x, np.array([0, 1, 2, 1, 0])


def attention():
    x, q, k, v = (cr.tensor(RNG.normal(size=(3, 3)), name=n) for n in "xqkv")
    return cr.sum(cr.softmax((x @ q) @ (x @ k).T / 2.0, axis=-1) @ (x @ v))


def strange():
    x, y = leaves(x=[1.0, np.nan, np.inf, 0.0, 2.0, 3.0, 4.0], y=np.zeros((0, 3)))
    k, z = cr.tensor(np.array([1, 2]), name="k"), cr.tensor([0.0, 1.0], name=NASTY)
    return cr.sum(x) + cr.sum(y) + cr.sum(cr.relu(z) * k) + cr.sum(cr.where(z > 0, z, 1.0))


def recurrent(W, x):
    def step(h, now):
        h = cr.tanh(W * h + now)
        return h, h**2

    return cr.sum(cr.scan(step, 0.0, x)[1])


EXAMPLES = {
    "neuron": lambda: draw(neuron()), "on paper": lambda: draw(neuron(), digits=2),
    "gates": lambda: draw(gates()), "forked": lambda: draw(forked()),
    "network": lambda: draw(*network(), loss="cross_entropy"),
    "attention": lambda: draw(attention()),
    "strange": lambda: draw(strange()), "forward only": lambda: draw(gates(), gradients=False),
    "one node": lambda: draw(gates(), node="q"), "two upstreams": lambda: draw(forked(), node="x"),
    "symbols": lambda: draw(cr.capture(lambda x, y, z: (x + y) * z, 1.0, 1.0, 1.0)),
    "shapes": lambda: draw(lambda x, w: cr.sum(cr.tanh(x @ w)), np.ones((2, 3)), np.ones((3, 2)),
                           shapes=True),
    "folded": lambda: draw(*network(), loss="cross_entropy", fold=True),
    "loop": lambda: draw(recurrent, 0.5, np.array([1.0, -1.0, 0.5])),
    "loop folded": lambda: draw(recurrent, 0.5, np.array([1.0, -1.0, 0.5]), fold=True),
    "loop of shapes": lambda: draw(recurrent, np.array(0.5), np.ones(3), shapes=True),
    "no gradient": lambda: draw(cr.tensor(np.array([1, 2]), name="k") + 1),
    "a leaf": lambda: draw(cr.tensor(1.0, name="x")),
    "records": lambda: draw(neuron(), style="micrograd"),
}  # fmt: skip


def root(svg):
    return ElementTree.fromstring(svg)


def of_class(tree, name):
    return [e for e in tree.iter() if name in (e.get("class") or "").split()]


def marks(tree, name):
    """Of a class and with an id: not in the legend."""
    return [e for e in of_class(tree, name) if e.get("id")]


def words_of(svg):
    return " ".join(" ".join(e.itertext()) for e in root(svg).iter() if e.tag.endswith("text"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_drawing_is_well_formed_and_told_in_words(name):
    tree = root(EXAMPLES[name]().svg)
    nodes = of_class(tree, "node")
    assert tree[0].text
    assert tree[1].text
    assert nodes
    assert all((n[0].text or "").strip() for n in nodes if n.tag.endswith("g"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_id_stands_once_and_begins_with_that_of_the_picture(name):
    ids = [e.get("id") for e in root(EXAMPLES[name]().svg).iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(i.startswith("g-") for i in ids)


def boxes_of(tree):
    """What takes room: shapes, the grounds of local gradients."""
    return [
        (float(e.get("x")), float(e.get("y")), float(e.get("width")), float(e.get("height")))
        for e in tree.iter() if e.get("class") in ("shape", "pill")
    ]  # fmt: skip


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_shape_lies_over_another_and_none_is_cut_off(name):
    tree = root(EXAMPLES[name]().svg)
    boxes = boxes_of(tree)
    width, height = (float(tree.get(k)) for k in ("width", "height"))
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    assert all(
        a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0] or a[1] + a[3] <= b[1] or b[1] + b[3] <= a[1]
        for a, b in combinations(boxes, 2)
    )


def test_the_numbers_at_the_lines_are_those_of_the_trace():
    told = words_of(draw(neuron()).svg)
    steps = trace(neuron())
    assert all(f"→ {figure(s.value)[0]}" in told for s in steps.steps)
    assert all(f"← {figure(s.upstream)[0]}" in told for s in steps.steps)


def test_paper_arithmetic_is_written_as_in_a_worked_example():
    told = words_of(draw(neuron(), digits=2).svg)
    assert all(t in told for t in ("→ 0.73", "← −0.27", "× 0.1971", "← 0.053217", "← −0.053217"))


def test_a_captured_graph_shows_formulas_in_place_of_numbers():
    told = words_of(EXAMPLES["symbols"]().svg)
    assert all(t in told for t in ("← ∂L/∂x = z", "← ∂L/∂z = x + y", "× z"))


def test_several_upstream_gradients_are_shown_as_a_sum():
    x, z = leaves(x=2.0, z=3.0)
    told = words_of(draw(x * z + x * x).svg)
    assert "← 3 + 2 + 2 = 7" in told


def test_one_node_from_near_shows_upstream_times_local():
    told = words_of(draw(gates(), node="q").svg)
    assert "← −4 × 1 = −4" in told
    assert "copies the upstream gradient" in told


def test_the_forward_picture_has_no_gradients():
    tree = root(EXAMPLES["forward only"]().svg)
    assert of_class(tree, "value")
    assert not of_class(tree, "grad")
    assert not of_class(tree, "pill")


def test_only_what_was_asked_for_is_a_parameter_and_has_a_gradient():
    loss = gates()
    tree = root(draw(loss, wrt=["z"]).svg)
    assert [e.get("id") for e in of_class(tree, "weight")] == ["g-node-z"]
    assert {e.get("id") for e in marks(tree, "grad")} == {"g-grad-z", "g-grad-L"}


def test_a_kink_on_the_way_and_a_value_that_is_not_finite_are_marked():
    marked = [e.get("id") for e in of_class(root(EXAMPLES["strange"]().svg), "warn")]
    assert "g-warn-x" in marked
    assert len(marked) == 2


KINKS = [
    (cr.relu, [0.0], True), (cr.relu, [1.0], False), (cr.abs, [0.0], True),
    (cr.maximum, [1.0, 1.0], True), (cr.maximum, [1.0, 2.0], False), (cr.sqrt, [0.0], True),
    (cr.floor, [2.0], True), (cr.floor, [2.5], False), (cr.round, [2.5], True),
    (cr.round, [2.0], False), (cr.tanh, [0.0], False), (cr.copysign, [0.0, 1.0], True),
]  # fmt: skip


@pytest.mark.parametrize(("op", "at", "there"), KINKS)
def test_a_convention_is_told_from_a_derivative(op, at, there):
    node = op(*(cr.tensor(x) for x in at)).op
    assert bool(kink(node, at, None)) is there


def test_what_no_gradient_can_reach_is_grey_and_says_so():
    tree = root(EXAMPLES["strange"]().svg)
    assert [e.get("id") for e in of_class(tree, "dead")] == ["g-node-k"]
    assert "no gradient" in words_of(EXAMPLES["strange"]().svg)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += [a for a, _ in attrs]


@pytest.mark.parametrize("name", ["strange", "folded", "loop"])
def test_a_page_holds_one_script_and_asks_for_nothing(name):
    tags = Tags()
    tags.feed(EXAMPLES[name]().html())
    assert tags.found.count("script") == 1
    assert not {"src", "href", "onclick", "onload"} & set(tags.attributes)
    assert not {"link", "img", "iframe"} & set(tags.found)


@pytest.mark.parametrize("name", ["folded", "loop", "loop folded"])
def test_every_click_on_a_box_leads_to_another_picture(name):
    made = EXAMPLES[name]()
    states = made.boxes.drawn("g")
    leads = [int(n) for s in states for n in re.findall(r'data-to="(\d+)"', s)]
    assert len(states) > 2
    assert leads
    assert max(leads) < len(states)
    assert all(f'data-to="{k}"' not in s for k, s in enumerate(states))


def test_a_folded_drawing_shows_the_same_gradients_at_its_borders():
    whole, folded = ({"".join(e.itertext()) for e in marks(root(EXAMPLES[k]().svg), "grad")}
                     for k in ("network", "folded"))  # fmt: skip
    assert folded < whole


@cr.nn.layer
class Squared(cr.nn.Module):
    def __call__(self, x):
        return x * x


def test_a_box_shows_the_sum_of_what_its_operations_send_to_one_value():
    model = cr.nn.Sequential(Squared(), cr.nn.ReLU())
    made = draw(lambda m, x: m(x) + x, model, 3.0, wrt="x", fold=True)
    told = {e.get("id"): "".join(e.itertext()) for e in marks(root(made.svg), "grad")}
    assert told["g-part-box.20.0-0"] == "← 6"
    assert told["g-grad-x"] == "← 3 + 3 + 1 = 7"


def test_a_loop_is_drawn_step_by_step_with_its_own_numbers():
    made = draw(recurrent, 0.5, np.array([1.0, -1.0, 0.5]), fold=False)
    told = words_of(made.svg)
    h = np.tanh(1.0)
    for now in (-1.0, 0.5):
        assert f"→ {h:.4g}".replace("-", "−") in told
        h = np.tanh(0.5 * h + now)
    assert [t for t in ("step 1", "step 2", "step 3") if t in told] == ["step 1", "step 2",
                                                                       "step 3"]  # fmt: skip


def test_a_written_out_loop_has_the_gradient_of_the_loop():
    w, x = cr.tensor(0.5, name="W"), np.array([1.0, -1.0, 0.5])

    def weighted(W, x):
        def step(h, now):
            h = cr.tanh(W * h + now)
            return h, h

        return cr.sum(cr.scan(step, 0.0, x)[1] * np.array([1.0, -2.0, 3.0]))

    weighted(w, x).backward()
    made = draw(weighted, w, x, wrt="W", fold=False)
    grads = {e.get("id"): "".join(e.itertext()) for e in of_class(root(made.svg), "grad")}
    assert grads["g-grad-W"].endswith(f"{float(w.grad):.4g}".replace("-", "−"))


def test_a_large_graph_opens_folded_and_says_how_large_it_is():
    y = cr.tensor(0.5, name="x")
    for _ in range(400):
        y = cr.sin(y)
    made = draw(y)
    assert len(of_class(root(made.svg), "node")) < 60
    assert "400 operations" in made.html()


def test_a_chain_without_boxes_stays_a_chain():
    y = cr.tensor(0.5, name="x")
    for _ in range(30):
        y = cr.sin(y)
    assert len(of_class(root(draw(y).svg), "op")) == 30


BAD = [
    (lambda: draw(np.ones(3)), "of an ndarray"), (lambda: draw(cr.sin), "needs arguments"),
    (lambda: draw(gates(), style="cubist"), "style='cubist'"),
    (lambda: draw(gates(), node="nobody"), "there is no node called 'nobody'; there are x, y"),
    (lambda: draw(gates(), wrt="nobody"), "does not depend on 'nobody'"),
    (lambda: draw(gates(), fold=["nobody"]), "is no box"),
    (lambda: draw(gates(), 1.0), "takes no arguments"),
    (lambda: draw(lambda x: (x, x), 1.0), "returned a tuple"),
    (lambda: draw(cr.capture(cr.sin, 1.0), node="u1"), "needs numbers"),
    (lambda: draw(gates()).save("x.bmp"), "does not say what to write"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "told"), BAD)
def test_what_cannot_be_drawn_is_refused_in_words(call, told):
    with refused(cr.ChainruleError, re.escape(told)):
        call()


@pytest.mark.parametrize("ending", ["svg", "html", "txt"])
def test_a_drawing_is_saved_by_its_ending(ending, tmp_path):
    path = tmp_path / f"drawing.{ending}"
    draw(gates()).save(path)
    assert path.stat().st_size > 100


def test_the_ids_that_animations_use_are_in_the_picture():
    made = picture(trace(neuron()), hidden=True)
    known = {e.get("id") for e in root(made.svg).iter()}
    told = [i for of in made.ids.values() for v in of.values()
            for i in (v if isinstance(v, list) else [v])]  # fmt: skip
    names = set(made.ids)
    assert {i for i in told if i is not None} - known - names == set()
    tree = root(made.svg)
    shown = [e for k in ("value", "grad", "factor") for e in marks(tree, k)]
    assert len(shown) > 20
    assert shown == [e for e in shown if "hidden" in e.get("class").split()]


def test_a_name_in_an_id_can_be_any_text():
    assert re.fullmatch(r"[\w.]*", safe(NASTY), re.ASCII)
    assert safe("a.b") != safe("a_b") != safe("a b")
