"""Activations, cross-entropy, nudges, descents, comparisons: the numbers are the engine's."""

import re
from functools import reduce
from xml.etree import ElementTree

import numpy as np
import pytest
from formula_value import scalar_value
from messages import refused

import chainrule as cr
from chainrule.graph.errors import ChainruleError, UsageError
from chainrule.ops.elementwise import activation
from chainrule.ops.family import Elementwise
from chainrule.show.chart import Series, chart
from chainrule.show.curves.activations import activations
from chainrule.show.curves.comparison import comparison
from chainrule.show.curves.descent import descent
from chainrule.show.curves.entropy import cross_entropy
from chainrule.show.curves.facts import ACTIVATIONS
from chainrule.show.curves.nudge import nudge
from chainrule.show.curves.slopes import at, curve
from chainrule.study.health import FLAT

PLACES = np.unique(np.concatenate([np.linspace(-8, 8, 3201), [-1e-9, 1e-9]]))
FACTS = [(name, k) for name, a in ACTIVATIONS.items() for k in range(len(a.facts))]


def whole(scene):
    """Every moment as a tree; the last one is returned."""
    trees = [ElementTree.fromstring(scene.at(k)) for k in range(max(1, len(scene.moments)))]
    ids = [e.get("id") for e in trees[-1].iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    return trees[-1]


def test_every_activation_of_the_ops_has_its_picture():
    ops = {type(v) for v in vars(activation).values() if isinstance(v, Elementwise)}
    ops |= {v for v in vars(activation).values() if isinstance(v, type)}
    own = {v for v in ops if issubclass(v, Elementwise) and v.__module__ == activation.__name__}
    assert own
    assert own <= {type(a.op) for a in ACTIVATIONS.values()}


@pytest.mark.parametrize("kind", [k for k in vars(cr.nn.activations).values()
                                  if isinstance(k, type) and k.__module__.endswith("activations")
                                  and k.__name__ not in ("Activation", "Softmax", "Identity",
                                                         "Flatten")])  # fmt: skip
def test_every_layer_that_is_an_activation_can_be_shown_by_name(kind):
    assert activations(kind.__name__).moments


@pytest.mark.parametrize(("name", "k"), FACTS)
def test_what_is_said_of_an_activation_holds(name, k):
    a = ACTIVATIONS[name]
    y, d = at(a.op, PLACES)
    assert a.facts[k].holds(PLACES, y, d), a.facts[k].words


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("x", [-2.5, -0.4, 0.3, 1.7])
def test_the_slope_that_is_written_is_the_slope_of_the_engine(name, x):
    a = ACTIVATIONS[name]
    _, d = at(a.op, np.array([x]))
    assert scalar_value(a.slope, {"x": x}) == pytest.approx(d[0], rel=1e-4)


@pytest.mark.parametrize("name", [None, *ACTIVATIONS])
def test_activations_are_whole_pictures(name):
    root = whole(activations(name))
    assert len([e for e in root.iter() if e.get("class") == "curve"]) >= 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_shaded_is_where_the_slope_is_small(name):
    op = ACTIVATIONS[name].op
    made = curve(op, -5, 5, op.kinks)
    inside = np.zeros(len(made.x), bool)
    for low, high in made.flat(FLAT):
        inside |= (made.x >= low) & (made.x <= high)
    assert inside[np.abs(made.d) < FLAT].all()
    assert not inside[np.abs(made.d) >= FLAT].any()


def test_a_kink_is_shown_with_both_sides_and_what_holds_at_it():
    assert curve(cr.relu, -1, 1, cr.relu.kinks).jumps == ((0.0, 0.0, 0.0, 1.0),)
    assert curve(cr.elu(cr.tensor(1.0)).op, -1, 1, (0.0,)).jumps == ()


def test_the_share_of_sums_without_slope_is_counted():
    scene = activations("relu", sums=np.array([-1.0, -2.0, 3.0, 4.0]))
    assert "Of them, 50 % lie where the slope is under 0.05." in scene.told


def test_a_function_of_your_own_is_shown_like_an_activation():
    assert "the slope 1" in activations(lambda x: x * cr.exp(-x)).moments[3].words


@pytest.mark.parametrize(("t", "y"), [(1, 0.55), (0, 0.55), (1, 0.05), (0, 0.95)])
def test_the_cross_entropy_is_told_with_its_slope(t, y):
    loss = -np.log(y if t else 1 - y)
    slope = -1 / y if t else 1 / (1 - y)
    words = cross_entropy(y, t).moments[-1].words.replace("−", "-")
    assert f"= {loss:.4f}, its slope" in words
    assert words.endswith(f"= {slope:.4f}.")


def test_the_two_targets_differ_in_colour_and_in_dashes():
    curves = re.findall(r'<path d="[^"]*" class="curve (line-\w+)"( stroke-dasharray="[^"]*")?',
                        cross_entropy().svg)  # fmt: skip
    assert [c[0] for c in curves] == ["line-input", "line-class"]
    assert not curves[0][1] and curves[1][1]  # noqa: PT018
    whole(cross_entropy())


NUDGED = {
    "sin(x²)": (lambda x: cr.sin(x**2), 1.5),
    "one op": (cr.exp, 0.3),
    "a value used twice": (lambda x: x * cr.tanh(x), 0.7),
    "two ways": (lambda x: cr.exp(-x) * x + cr.log(1 + x**2), 2.0),
    "x times itself": (lambda x: x * x, 3.0),
    "a large slope": (lambda x: cr.exp(x) * 100, 5.0),
    "a large x": (lambda x: cr.sqrt(x), 12345.0),
    "at a kink": (cr.relu, 0.0),
    "a negative x": (lambda x: cr.sigmoid(3 * x), -1.0),
    "an array within": (lambda x: cr.sum(x * np.array([2.0])), 1.0),
}


@pytest.mark.parametrize("case", NUDGED)
def test_the_product_of_the_slopes_is_the_gradient(case):
    f, x = NUDGED[case]
    scene = nudge(f, x)
    whole(scene)
    found = re.search(r"d\w+/dx = ([^:]*)", scene.told)[1].rpartition(" = ")[2]
    assert float(found.replace("−", "-")) == pytest.approx(float(cr.grad(f)(x)), rel=5e-3)


@pytest.mark.parametrize("case", NUDGED)
def test_what_each_value_moves_by_is_measured(case):
    f, x = NUDGED[case]
    scene = nudge(f, x)
    size = float(re.search(r"dx = (.+)\.$", scene.moments[1].words)[1])
    last = next(m for m in reversed(scene.moments) if m.chapter == "nudge")
    moved = re.search(r"moves by d\w+ = (.+?)\. ", last.words)
    expected = float(np.asarray(f(cr.tensor(x + size)))) - float(np.asarray(f(cr.tensor(x))))
    assert float(moved[1].replace("−", "-")) == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("case", NUDGED)
def test_no_point_of_a_nudge_leaves_its_line(case):
    scene = nudge(*NUDGED[case])
    places = [float(e.get("cx")) for k in range(len(scene.moments))
              for e in ElementTree.fromstring(scene.at(k)).iter() if e.get("cx")]  # fmt: skip
    assert 160 < min(places) <= max(places) < 660


REFUSED = {
    "too long": (lambda x: reduce(lambda y, _: cr.sin(y), range(9), x),
                 1.0, "at most 8"),
    "several numbers": (lambda x: x * np.ones(3), 1.0, "one number"),
    "no path": (lambda x: cr.tensor(3.0), 1.0, "does not depend on x"),
    "a number": (lambda x: 3.0, 1.0, "does not depend on x"),
    "an infinite slope": (cr.sqrt, 0.0, "not finite"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_nudged_is_refused_in_words(case):
    f, x, told = REFUSED[case]
    with refused(ChainruleError, told):
        nudge(f, x)


@pytest.mark.parametrize("call", [
    lambda: activations("sigmoyd"), lambda: activations(3), lambda: cross_entropy(1.0),
    lambda: cross_entropy(0.5, 2), lambda: nudge(cr.sin, 1.0, 0.0), lambda: comparison("x"),
    lambda: descent(lambda a, b: a * b, (1.0,)),
    lambda: activations(lambda x: cr.sum(x)),
])  # fmt: skip
def test_a_wrong_argument_is_refused_in_words(call):
    with pytest.raises(UsageError, match="pictures"):
        call()


def test_a_descent_goes_where_gradient_descent_goes():
    scene = descent(lambda a, b: (a - 1) ** 2 + 3 * b**2, (-1.0, 1.0), lr=0.1, steps=4)
    a, b = 1 + -2.0 * 0.8**4, 0.4**4
    assert scene.moments[-1].changes["descent-now"]["text"].startswith(
        f"step 4 · ({a:.4g}, {b:.4g})")  # fmt: skip
    whole(scene)


COMPARED = {
    "scalar": lambda: cr.compare(lambda x: cr.sin(x**2), 1.5),
    "vector": lambda: cr.compare(lambda x: cr.sum(cr.tanh(x)), np.array([0.3, -0.2, 1.0])),
    "straight, with a gate": lambda: cr.compare(lambda x: cr.relu(x) * 3, 2.0),
}


@pytest.mark.parametrize("case", COMPARED)
def test_a_comparison_draws_every_way_that_was_found(case):
    found = COMPARED[case]()
    scene = comparison(found)
    root = whole(scene)
    lines = {e.get("id") for e in root.iter() if (e.get("id") or "").startswith("compare-")}
    ways = 2 + any(r.complex_step is not None for r in found.errors)
    assert {i for i in lines if "error" in i} == {f"compare-error{k}" for k in range(ways)}
    assert {i for i in lines if "work" in i} >= {f"compare-work{k}" for k in range(2)}
    assert f"{found.growth[-1].backprop:,} for value and gradient by backprop" in scene.told


def test_the_best_step_of_central_differences_is_told():
    found = COMPARED["scalar"]()
    best = min(found.errors, key=lambda r: r.central)
    assert f"{best.central:.1e} at h = {best.h:.0e}" in comparison(found).told


def test_powers_of_ten_stand_at_equal_distances_on_a_logarithmic_axis():
    svg = chart("t", [Series("a", [1e-6, 1e-3, 1.0], [1.0, 2.0, 3.0])], "h", "e", "c", log_x=True)
    places = np.array(
        re.findall(r"[ML]([\d.]+) [\d.]+", re.search(r'<path d="([^"]*)"', svg)[1]), float
    )
    assert np.diff(places)[0] == pytest.approx(np.diff(places)[1], abs=0.11)
