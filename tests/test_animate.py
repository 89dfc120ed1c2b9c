"""A computation played: every number is the trace's, and appears when it is its turn."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.show.animate import MOST, animate
from chainrule.show.graph.figures import figure
from chainrule.study.numbers import figure as number
from chainrule.study.trace import trace


def neuron():
    w1, w2, b = (cr.tensor(v, name=n) for n, v in (("w1", 2.0), ("w2", -3.0), ("b", -3.0)))
    a = cr.sigmoid(w1 * -1.0 + w2 * -2.0 + b).named("a")
    return (0.5 * (1.0 - a) ** 2).named("C"), [w1, w2, b]


def three_gates():
    x, y, z = (cr.tensor(v, name=n) for n, v in (("x", -2.0), ("y", 5.0), ("z", -4.0)))
    return (x + y) * z, None


def two_layers():
    x, y = cr.tensor([[1.0, 2.0], [3.0, 4.0]], name="x"), cr.tensor([[1.0], [0.0]], name="y")
    w1, b1 = cr.tensor([[0.1, 0.2], [0.3, 0.4]], name="w1"), cr.tensor([0.0, 0.1], name="b1")
    w2 = cr.tensor([[0.5], [-0.5]], name="w2")
    return cr.mean((y - cr.relu(x @ w1 + b1) @ w2) ** 2), [w1, b1, w2]


def shared():
    x, y = cr.tensor(1.5, name="x"), cr.tensor(-0.5, name="y")
    return cr.sin(x * x) + x * y + cr.exp(y) / x, None


def several_values():
    w, xs = cr.tensor(0.5, name="w"), cr.tensor([1.0, -0.5, 2.0], name="xs")
    last, all_ = cr.scan(lambda h, x: (cr.tanh(w * h + x), h * h), cr.tensor(0.1, name="h"), xs)
    return last * last + cr.sum(all_), [w]


def large_arrays():
    x = cr.tensor(np.linspace(-1.0, 1.0, 24).reshape(4, 6), name="x")
    return cr.sum(cr.tanh(x) * x), None


def not_asked():
    x, y = cr.tensor(2.0, name="x"), cr.tensor(3.0, name="y")
    return cr.exp(x) * y, [y]


def unused_leaf():
    x, y = cr.tensor(2.0, name="x"), cr.tensor(3.0, name="y")
    return cr.floor(x) * y, [x, y]


MADE = {f.__name__: f for f in (
    neuron, three_gates, two_layers, shared, several_values, large_arrays, not_asked,
    unused_leaf)}  # fmt: skip
WAYS = {"plain": {}, "with a step": {"lr": 0.125}, "on paper": {"digits": 2, "lr": 0.5}}


def texts(svg):
    """Of every mark with a text: what stands there, and whether it is seen."""
    made = {}
    for e in ElementTree.fromstring(svg).iter():
        if e.get("id") and e.tag.endswith(("text", "tspan")):
            made[e.get("id")] = "".join(e.itertext())
    return made


def seen(svg, ident):
    found = ElementTree.fromstring(svg).find(f".//*[@id='{ident}']")
    return found.get("opacity", "1") != "0"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MADE)
def test_every_number_in_the_picture_is_the_traces(name, way):
    loss, wrt = MADE[name]()
    told, scene = trace(loss, wrt, **WAYS[way]), animate(loss, wrt, **WAYS[way])
    digits = 7 if told.digits is not None else 4
    last = [k for k, m in enumerate(scene.moments) if m.chapter == "backward"][-1]
    before, after = texts(scene.at(last)), texts(scene.at(-1))
    finals = told.steps if told.update is None else told.update.steps
    for s, final in zip(told.steps, finals, strict=True):
        if (ident := f"play-value-{s.name}") in before:
            assert before[ident] == "→ " + "".join(figure(s.value, digits))
            assert after[ident] == "→ " + "".join(figure(final.value, digits))
        if (ident := f"play-grad-{s.name}") in before and s.upstream is not None:
            assert before[ident].endswith("".join(figure(s.upstream, digits)))


def numbers_of(told, digits):
    """Every number of a trace, as it would be written."""
    steps = [*told.steps, *(told.update.steps if told.update else ())]
    arrays = [a for s in steps for a in (
        s.value, s.upstream, *(g for _, g in s.parts),
        *(x for o in s.operands for x in (o.local, o.downstream)))]  # fmt: skip
    arrays += [n._value for n in told.nodes if not n.inputs]
    flat = [v for a in arrays if a is not None
            for part in (a if isinstance(a, tuple) else (a,)) for v in np.ravel(part)]  # fmt: skip
    counts = {str(n) for n in range(max(len(told.nodes), 25) + 1)}
    settings = {f"{told.update.lr:g}"} if told.update else set()
    some = {number(v, d) for v in flat for d in (2, 3, digits)}
    return some | {x.lstrip("−") for x in some} | counts | settings


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["neuron", "three_gates", "two_layers", "shared", "not_asked"])
def test_every_number_in_the_words_is_the_traces(name, way):
    loss, wrt = MADE[name]()
    told, scene = trace(loss, wrt, **WAYS[way]), animate(loss, wrt, **WAYS[way])
    known = numbers_of(told, 7 if told.digits is not None else 4)
    said = [x for m in scene.moments
            for x in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e−?\d+)?", m.words)]  # fmt: skip
    assert [x for x in said if x not in known] == []
    assert len(said) > len(scene.moments) / 2


@pytest.mark.parametrize("name", MADE)
def test_a_value_appears_when_it_is_computed_and_a_gradient_when_it_arrives(name):
    loss, wrt = MADE[name]()
    scene = animate(loss, wrt)
    opening, closing = scene.at(0), scene.at(-1)
    shown = [i for i in texts(closing) if re.match(r"play-(value|grad)-[^.]+$", i)]
    marks = [i for i in shown if ElementTree.fromstring(closing).find(f".//*[@id='{i}']").tag
             .endswith("text")]  # fmt: skip
    assert [i for i in marks if "-grad-" in i and seen(opening, i)] == []
    dead = [i for i in marks if not seen(closing, i)]
    assert [i for i in dead if "no gradient" not in texts(closing)[i]] == []


def test_the_chapters_follow_each_other():
    loss, wrt = neuron()
    chapters = [m.chapter for m in animate(loss, wrt, lr=1.0).moments]
    assert list(dict.fromkeys(chapters)) == [
        "forward", "loss", "backward", "update", "after the step"]  # fmt: skip
    assert chapters == sorted(chapters, key=list(dict.fromkeys(chapters)).index)


def test_the_words_tell_the_sum_where_several_gradients_meet():
    said = animate(*shared()).transcript()
    assert "x is used 4 times, so its gradients add up: (−0.9423) + (−0.9423) + (−0.5)" in said


def test_nothing_is_told_of_a_way_that_nobody_asked_for():
    words = " ".join(m.words for m in animate(*not_asked()).moments if m.chapter == "backward")
    assert "to x" not in words
    assert "To y goes" in words


def test_paper_arithmetic_is_told_as_it_is_written_by_hand():
    loss, wrt = neuron()
    said = animate(loss, wrt, digits=2, lr=1.0).transcript()
    for figure_ in ("a = σ(u₄) = σ(1) = 0.73", "0.1971", "−0.053217", "2 − 1 · 0.053217"):
        assert figure_ in said


def test_only_a_few_marks_are_lit_and_all_go_out_again():
    scene = animate(*neuron())
    for k in range(len(scene.moments)):
        lit = ElementTree.fromstring(scene.at(k)).findall(".//*[@class]")
        assert sum("lit" in e.get("class").split() for e in lit) <= 9


NASTY = "</text><script>alert(1)</script>&\"'"


def test_a_hostile_name_is_shown_and_never_run():
    x = cr.tensor(2.0, name=NASTY)
    scene = animate(cr.exp(x) * x)
    assert "<script>alert" not in scene.html()
    assert ElementTree.fromstring(scene.at()).findall(".//{*}script") == []
    assert "</text><script>alert" in scene.moments[0].words


def test_too_many_operations_are_refused_with_what_to_do():
    x = cr.tensor(0.5, name="x")
    y = x
    for _ in range(MOST + 1):
        y = cr.sin(y)
    with pytest.raises(cr.UsageError, match=rf"{MOST + 1} operations .* draw it folded"):
        animate(y)


def test_something_that_is_no_tensor_is_refused():
    with pytest.raises(cr.UsageError, match="animate: a float"):
        animate(3.0)


def test_a_network_is_played_layer_by_layer():
    model = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))
    scene = animate(model, [1.0, 2.0], [0.5], "mse", lr=0.1)
    assert {"forward", "backward"} <= {m.chapter.split()[0] for m in scene.moments}


def test_a_step_that_is_too_long_is_said_to_be():
    x = cr.tensor(3.0, name="x")
    assert "rose from 9 to 441" in animate(x * x, lr=4.0).moments[-1].words
