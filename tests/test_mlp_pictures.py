"""What the pictures of multilayer perceptrons show is what the engine computes."""

from __future__ import annotations

import re
from functools import partial
from html import unescape
from itertools import pairwise
from math import log

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.errors import ChainruleError, DataError, ShapeError, UsageError
from chainrule.nn import losses
from chainrule.show.mlp import backprop, feedforward, mirror, network, perceptron, weight_update
from chainrule.show.mlp.grids import Grid, kept
from chainrule.show.mlp.notation import Notation, celled, low, said
from chainrule.show.mlp.passes import learning
from chainrule.show.mlp.reading import stack

F8 = np.float64
RNG = np.random.default_rng(7)


def dense(*sizes, act=cr.nn.Tanh, last=None, bias=True, dtype=F8):
    parts = []
    for k, (a, b) in enumerate(pairwise(sizes)):
        parts.append(cr.nn.Linear(a, b, bias=bias, dtype=dtype))
        end = k == len(sizes) - 2
        parts += [x() for x in ((last,) if end else (act,)) if x is not None]
    return cr.nn.Sequential(*parts, seed=5)


def seed_network():
    """Three weight matrices, one output of 0.55: the numbers of the article."""
    model, x = dense(2, 3, 3, 1, act=cr.nn.Sigmoid, last=cr.nn.Sigmoid), np.array([1.0, -2.0])
    h = x[None]
    for one in list(model)[:4]:
        h = one(h)
    state = model.state_dict()
    state["4.bias"] = log(0.55 / 0.45) - (h @ state["4.weight"].T)[0]
    return model.load_state_dict(state), x


def arrays(*sizes, bias=True, act=cr.tanh):
    parts = []
    for a, b in pairwise(sizes):
        parts += [RNG.normal(size=(a, b)), *([RNG.normal(size=b)] if bias else []), act]
    return parts[:-1]


SEED, SEED_X = seed_network()
HALF = partial(losses.mse, half=True)
WAVE = lambda z: z * cr.sigmoid(z) + 0.1 * cr.sin(z)  # noqa: E731
CASES = {  # model, x, y, loss
    "the seed's network": (SEED, SEED_X, 1.0, "binary_cross_entropy"),
    "target 0": (SEED, SEED_X, 0.0, "binary_cross_entropy"),
    "one layer": (dense(3, 2), RNG.normal(size=3), [0.5, 1.0], "mse"),
    "deep tanh": (dense(2, 4, 3, 5, 2, 1), [0.3, -0.7], [1.0], "mse"),
    "relu, no bias": (dense(2, 5, 5, 1, act=cr.nn.ReLU, bias=False), [1.0, 2.0], 1.0, "mse"),
    "half mse": (dense(2, 3, 2, act=cr.nn.Softplus), [1.0, 2.0], [0.0, 1.0], HALF),
    "l1": (dense(2, 3, 1, act=cr.nn.ELU), [1.0, 2.0], 0.3, "l1"),
    "huber": (dense(2, 3, 1, act=cr.nn.LeakyReLU), [1.0, 2.0], 0.3, "huber"),
    "classes": (dense(3, 4, 3, act=cr.nn.GELU), [1.0, 2.0, -1.0], 2, "cross_entropy"),
    "logits": (dense(2, 3, 1, act=cr.nn.SiLU), [1.0, 2.0], 1.0, "binary_cross_entropy_with_logits"),
    "softmax layer": (dense(2, 3, 3, last=cr.nn.Softmax), [1.0, 2.0], [0.0, 1.0, 0.0], "mse"),
    "a batch": (dense(2, 3, 2), RNG.normal(size=(3, 2)), RNG.normal(size=(3, 2)), "mse"),
    "a batch of classes": (dense(2, 3, 4), RNG.normal(size=(3, 2)), [0, 3, 1], "cross_entropy"),
    "arrays": (arrays(2, 3, 1), RNG.normal(size=(2, 2)), [[1.0], [0.0]], "mse"),
    "arrays, no bias": (arrays(2, 4, 1, bias=False, act=WAVE), [1.0, 2.0], [1.0], "mse"),
    "float32": (dense(2, 3, 1, dtype=np.float32), [1.0, 2.0], 1.0, "mse"),
    "wide": (dense(20, 16, 12, act=cr.nn.Sigmoid), RNG.normal(size=20), 9, "cross_entropy"),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", CASES)


def run_of(name):
    model, x, y, loss = CASES[name]
    return learning(stack(model, "test"), x, y, loss, 0.5, "test")


def parsed(said_):
    return float(said_.replace("−", "-").replace("∞", "inf"))


def texts(svg):
    found = re.findall(r'<text[^>]*\bid="([^"]+)-text"[^>]*>([^<]*)</text>', svg)
    return {ident: unescape(told) for ident, told in found}


def grid_of(svg, ident):
    """The numbers of a grid by place."""
    found = {}
    for mark, told in texts(svg).items():
        if m := re.fullmatch(rf"{ident}-(\d+)-(\d+)", mark):
            found[int(m[1]), int(m[2])] = told
    return found


def same(svg, ident, values):
    """Whether every cell of a grid shows the number that it should."""
    shown = grid_of(svg, ident)
    assert shown
    assert all(told == celled(values[place]) for place, told in shown.items()), ident


# ------------------------------------------------------------------ the engine's own numbers


def independent(name):
    """Loss, deltas and gradients, found in another way: by cr.grad of probes added to each sum."""
    model, _, _, loss = CASES[name]
    made, run = stack(model, "test"), run_of(name)

    def total(probes, weights, biases):
        h = run.forward.x
        for one, p, w, b in zip(made.layers, probes, weights, biases, strict=True):
            z = h @ (cr.matrix_transpose(w) if made.out_by_in else w)
            h = one.bend.function((z if b is None else z + b) + p)
        return losses.loss_named(loss)(h, run.target)

    probes = [np.zeros_like(z) for z in run.forward.sums]
    weights, biases = [one.weight for one in made.layers], [one.bias for one in made.layers]
    given = [b for b in biases if b is not None]

    def of(probes, weights, given):
        left = iter(given)
        return total(probes, weights, [None if b is None else next(left) for b in biases])

    places = (0, 1, 2) if given else (0, 1)
    return cr.value_and_grad(of, places)(probes, weights, given)


@EVERY
def test_deltas_and_gradients_are_those_of_the_transforms(name):
    run = run_of(name)
    value, (deltas, weights, *biases) = independent(name)
    near = {"rel": 1e-5, "abs": 1e-7}
    assert run.loss == pytest.approx(float(value), **near)
    for mine, theirs in zip(run.backward.deltas, deltas, strict=True):
        assert mine == pytest.approx(theirs, **near)
    for mine, theirs in zip(run.backward.weights, weights, strict=True):
        assert mine == pytest.approx(theirs, **near)
    mine = [b for b in run.backward.biases if b is not None]
    for b, theirs in zip(mine, biases[0] if biases else [], strict=True):
        assert b == pytest.approx(theirs, **near)


@EVERY
def test_every_number_of_the_mirror_is_the_engines(name):
    model, x, y, loss = CASES[name]
    run, svg = run_of(name), mirror(model, x, y, loss).at(-1)
    note = notation_of(run)
    for k, (one, z, h, d) in enumerate(
        zip(run.stack.layers, run.forward.sums, run.forward.outputs, run.backward.deltas,
            strict=True), 1,
    ):  # fmt: skip
        same(svg, f"mirror-W{k}", note.ahead(one.weight))
        same(svg, f"mirror-V{k}", note.ahead(one.weight).T)
        same(svg, f"mirror-H{k}", note.shown(run.forward.into(k - 1)))
        same(svg, f"mirror-Z{k}", note.shown(z))
        same(svg, f"mirror-D{k}", note.shown(d))
        same(svg, f"mirror-E{k}", note.shown(d))
        if one.bias is not None:
            same(svg, f"mirror-b{k}", note.shown(one.bias[None]))
        if one.bend.sign:
            same(svg, f"mirror-A{k}", note.shown(h))
            same(svg, f"mirror-U{k}", note.shown(run.backward.of_outputs[k - 1]))
            if run.backward.slopes[k - 1] is not None:
                same(svg, f"mirror-S{k}", note.shown(run.backward.slopes[k - 1]))
    same(svg, "mirror-U0", note.shown(run.backward.x))
    same(svg, "mirror-Y0", note.shown(run.forward.y))


def notation_of(run):
    columns = run.stack.out_by_in and len(run.forward.x) == 1
    return Notation(len(run.stack.layers), columns, run.stack.out_by_in)


@EVERY
def test_the_picture_ends_with_the_network_after_the_step(name):
    model, x, y, loss = CASES[name]
    run, scene = run_of(name), backprop(model, x, y, loss)
    note, svg = notation_of(run), scene.at(-1)
    for k, (w, g) in enumerate(zip(run.weights, run.backward.weights, strict=True), 1):
        same(svg, f"backprop-W{k}", note.ahead(w))
        same(svg, f"backprop-N{k}", w)
        same(svg, f"backprop-G{k}", g)
        same(svg, f"backprop-O{k}", run.stack.layers[k - 1].weight)
        same(svg, f"backprop-Z{k}", note.shown(run.after.sums[k - 1]))
    same(svg, "backprop-Y0", note.shown(run.after.y))
    assert said(run.loss_after) in scene.moments[-1].words
    assert run.loss_after < run.loss or "rises" in scene.moments[-1].words


@EVERY
def test_before_the_update_the_picture_holds_the_network_before_it(name):
    model, x, y, loss = CASES[name]
    run, scene = run_of(name), backprop(model, x, y, loss)
    k = next(i for i, m in enumerate(scene.moments) if m.chapter == "update") - 1
    same(scene.at(k), "backprop-W1", notation_of(run).ahead(run.stack.layers[0].weight))


@EVERY
def test_every_factor_pair_of_an_update_multiplies_to_the_gradient(name):
    run = run_of(name)
    note = notation_of(run)
    for k in range(1, note.depth + 1):
        left, right = note.change_factors(run.backward.deltas[k - 1], run.forward.into(k - 1))
        assert left @ right == pytest.approx(run.backward.weights[k - 1], rel=1e-4, abs=1e-6)


@EVERY
def test_the_factors_as_they_are_drawn_multiply_to_the_sums(name):
    run = run_of(name)
    note = notation_of(run)
    for k, one in enumerate(run.stack.layers, 1):
        factors = note.in_order(note.ahead(one.weight), note.shown(run.forward.into(k - 1)))
        bias = 0.0 if one.bias is None else note.shown(one.bias[None])
        z = factors[0] @ factors[1] + bias
        assert z == pytest.approx(note.shown(run.forward.sums[k - 1]), rel=1e-5, abs=1e-6)


@EVERY
def test_the_step_is_one_of_gradient_descent(name):
    run, (_, (_, gradients, *_)) = run_of(name), independent(name)
    for one, w, g in zip(run.stack.layers, run.weights, gradients, strict=True):
        assert w == pytest.approx(one.weight - 0.5 * g, rel=1e-5, abs=1e-6)
    again = learning(
        stack(moved(name, run), "test"), run.forward.x, run.target, run.loss_of, 0.5, "test"
    )
    assert again.loss == pytest.approx(run.loss_after)
    assert again.forward.y == pytest.approx(run.after.y)


def moved(name, run):
    """The model after the step, put together by hand."""
    model = CASES[name][0]
    new = [v for w, b in zip(run.weights, run.biases, strict=True)
           for v in ((w,) if b is None else (w, b))]  # fmt: skip
    if isinstance(model, list):
        left = iter(new)
        return [next(left) if isinstance(part, np.ndarray) else part for part in model]
    return model.load_state_dict(dict(zip(model.named_parameters(), new, strict=True)))


# ------------------------------------------------------------------ formulas

TOKEN = re.compile(r"(W|δ|H|X|Z|Y)([₀-₉]*)(ᵀ?)")
DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def evaluated(formula, values):
    """The product that a formula such as W₂ᵀδ₂ writes, factor by factor."""
    made = None
    for letter, number, turned in TOKEN.findall(formula):
        a = values[letter + number.translate(DIGITS)]
        a = a.T if turned else a
        made = a if made is None else made @ a
    return made


CONVENTIONS = [(True, True), (False, True), (False, False)]


@pytest.mark.parametrize(("columns", "out_by_in"), CONVENTIONS)
def test_the_formulas_are_right_in_shape_and_value(columns, out_by_in):
    name = "arrays" if not out_by_in else "a batch"
    run = run_of(name)
    depth = len(run.stack.layers)
    note = Notation(depth, columns, out_by_in)
    values = {"X": note.shown(run.forward.x), "Y": note.shown(run.forward.y)}
    for k in range(1, depth + 1):
        values[f"W{k}"] = run.stack.layers[k - 1].weight
        values[f"H{k}"] = note.shown(run.forward.outputs[k - 1])
        values[f"δ{k}"] = note.shown(run.backward.deltas[k - 1])
    for k in range(1, depth + 1):
        bias = note.shown(run.stack.layers[k - 1].bias[None])
        z = evaluated(note.product(k, False), values) + bias
        assert z == pytest.approx(note.shown(run.forward.sums[k - 1]))
        assert evaluated(note.change(k), values) == pytest.approx(run.backward.weights[k - 1])
        below = run.backward.of_outputs[k - 2] if k > 1 else run.backward.x
        assert evaluated(note.sent(k), values) == pytest.approx(note.shown(below))


def test_one_example_stands_in_columns_a_batch_in_rows_and_arrays_in_rows():
    def back(name, **how):
        model, x, y, loss = CASES[name]
        return mirror(model, x, y, loss, **how).at(-1)

    assert "δ₂ = W₃ᵀδ₃ ⊙ σ′(Z₂)" in back("the seed's network")
    assert "δ₂ = δ₃W₃ ⊙ σ′(Z₂)" in back("the seed's network", rows=True)
    assert "δ₁ = δ₂W₂ ⊙ tanh′(Z₁)" in back("a batch")
    assert "Z₁ = XW₁ᵀ + b₁" in back("a batch")
    assert "δ₁ = δ₂W₂ᵀ ⊙ tanh′(Z₁)" in back("arrays")
    assert "δ₁ = W₂ᵀδ₂ ⊙ tanh′(Z₁)" in back("a batch", rows=False)


SHORT = {
    "the seed's network": "y − t", "classes": "p − t", "logits": "σ(z) − t",
    "half mse": "1/2 · (y − t)", "a batch of classes": "1/3 · (p − t)",
}  # fmt: skip


@pytest.mark.parametrize(("name", "short"), SHORT.items())
def test_the_last_delta_is_said_in_its_short_form(name, short):
    model, x, y, loss = CASES[name]
    assert f"= {short}</text>" in mirror(model, x, y, loss).at(-1)


FORMULAS = {
    "target 0": "L = −ln(1 − y)", "one layer": "L = 1/2 Σ (y − t)²", "half mse": "L = 1/2 Σ ½(y",
    "l1": "L = |y − t|", "huber": "L = huber(y, t)", "logits": "L = ln(1 + eᶻ) − t·z",
}  # fmt: skip


@pytest.mark.parametrize(("name", "formula"), FORMULAS.items())
def test_the_loss_is_written_out_where_its_formula_is_known(name, formula):
    model, x, y, loss = CASES[name]
    assert formula in mirror(model, x, y, loss).at(-1)


@pytest.mark.parametrize("other", [lambda y, t: cr.abs(y - t) ** 3, lambda y, t: (y - t) ** 2 + 1])
def test_a_formula_that_does_not_give_the_engines_loss_is_not_shown(other):
    def mse(y, t):
        return cr.mean(other(y, t))

    model, x, y, _ = CASES["one layer"]
    assert "L = mse(y, t)" in mirror(model, x, y, mse).at(-1)


# ------------------------------------------------------------------ the article's numbers


ONE = [1.0, 2.0], [1.0], "mse"
SINGLY = {"rows of weights": (dense(2, 3, 1), 0), "columns of weights": (arrays(2, 3, 1), 1)}


@pytest.mark.parametrize("kind", SINGLY)
def test_the_changes_of_one_neuron_appear_together(kind):
    model, axis = SINGLY[kind]
    scene = weight_update(model, *ONE)
    for neuron in range(3):
        opened = [
            tuple(map(int, m.groups())) for ident, of in scene.moments[neuron].changes.items()
            if (m := re.fullmatch(r"update-G1-(\d)-(\d)", ident)) and of["opacity"] == 1
        ]  # fmt: skip
        assert len(opened) == 2
        assert {place[axis] for place in opened} == {neuron}


def test_the_seeds_numbers_are_told_in_words():
    told = backprop(SEED, SEED_X, 1.0, "binary_cross_entropy").transcript()
    for expected in (
        "y = 0.55; the target is t = 1",
        "L = −ln y = −ln 0.55 = 0.5978",
        "= −1/0.55 = −1.8182",
        "σ′(Z₃) = 0.2475",
        "(−1.8182) · 0.2475 = −0.45, which is y − t",
        "dW₃ = δ₃H₂ᵀ",
        "δ₂ = W₃ᵀδ₃ ⊙ σ′(Z₂)",
        "δ₁ = W₂ᵀδ₂ ⊙ σ′(Z₁)",
        "dW₁ = δ₁Xᵀ, all 3 changes at once",
    ):
        assert expected in told


def test_the_chapters_follow_the_article():
    scene = backprop(SEED, SEED_X, 1.0, "binary_cross_entropy")
    chapters = list(dict.fromkeys(m.chapter for m in scene.moments))
    assert chapters == [
        "forward", "loss", "backward", "weights of layer 3", "weights of layer 2",
        "weights of layer 1", "update", "after the step",
    ]  # fmt: skip
    singly = [m.words for m in scene.moments if m.words.startswith("Neuron ")]
    assert [w[:19] for w in singly] == [f"Neuron {i} of layer 2" for i in (1, 2, 3)]


def test_a_product_that_is_written_out_is_right():
    told = backprop(SEED, SEED_X, 1.0, "binary_cross_entropy").transcript()
    factor = r"\(?[−\d.]+\)?"
    products = rf"((?:{factor}·{factor}(?: \+ )?)+)"
    sums = re.findall(rf"{products}(?: \+ )?({factor})? = (\S+)", told)
    assert len(sums) >= 5
    for products, bias, total in sums:
        pairs = re.findall(r"\(?([−\d.]+)\)?·\(?([−\d.]+)\)?", products)
        made = sum(parsed(a) * parsed(b) for a, b in pairs)
        made += parsed(bias.strip("()")) if bias else 0.0
        assert parsed(total.rstrip(".")) == pytest.approx(made, abs=5e-4)


def test_a_step_that_is_too_long_is_said_to_be():
    words = backprop(SEED, SEED_X, 0.0, "binary_cross_entropy", lr=-1.0).moments[-1].words
    assert "rises" in words
    assert "promised" not in words


def test_the_models_own_numbers_stay_as_they_are():
    model = dense(2, 3, 1)
    before = {k: v.copy() for k, v in model.state_dict().items()}
    backprop(model, [1.0, 2.0], 1.0, "mse")
    assert all((model.state_dict()[k] == v).all() for k, v in before.items())
    assert all(p.grad is None for p in model.parameters())


def test_the_same_network_gives_the_same_scene():
    a, b = (backprop(SEED, SEED_X, 1.0, "binary_cross_entropy") for _ in range(2))
    assert a.svg == b.svg
    assert a.moments == b.moments


# ------------------------------------------------------------------ what is drawn, and where

SCENES = {
    **{f"mirror, {n}": (lambda c=c: mirror(*c)) for n, c in CASES.items()},
    **{f"backprop, {n}": (lambda c=c: backprop(*c)) for n, c in CASES.items()},
    **{f"update, {n}": (lambda c=c: weight_update(*c)) for n, c in CASES.items()},
    **{f"ahead, {n}": (lambda c=c: feedforward(*c[:2])) for n, c in CASES.items()},
    **{f"network, {n}": (lambda c=c: network(*c)) for n, c in CASES.items()},
    "perceptron": lambda: perceptron(*SEPARABLE),
}


@pytest.mark.parametrize("name", SCENES)
def test_ids_are_unique_and_begin_with_the_pictures_own(name):
    scene = SCENES[name]()
    ids = re.findall(r'\bid="([^"]+)"', scene.svg)
    assert len(ids) == len(set(ids))
    first = ids[0].removesuffix("-title")
    assert all(i.startswith(f"{first}-") for i in ids)


@pytest.mark.parametrize("name", SCENES)
def test_every_moment_says_something_and_can_be_drawn(name):
    scene = SCENES[name]()
    assert scene.told
    assert all(m.words.strip().endswith(".") and m.chapter for m in scene.moments)
    assert scene.at(0) if scene.moments else scene.svg


def boxes(svg):
    """Every cell of the picture as (grid, x, y, width, height)."""
    found = re.findall(
        r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*'
        r'id="([^"]+)-\d+-\d+-box"', svg,
    )  # fmt: skip
    return [(g, *map(float, numbers)) for *numbers, g in found]


@EVERY
def test_no_two_matrices_overlap_and_all_are_in_the_picture(name):
    svg = mirror(*CASES[name]).at(-1)
    wide, high = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    cells = boxes(svg)
    assert len(cells) > 5
    for g, x, y, w, h in cells:
        assert x >= 0
        assert x + w <= wide
        assert y + h <= high
        for other, x1, y1, w1, h1 in cells:
            if other != g:
                assert x + w <= x1 + 0.1 or x1 + w1 <= x + 0.1 or y + h <= y1 or y1 + h1 <= y


@EVERY
def test_the_two_passes_stand_on_either_side_of_the_axis(name):
    svg = mirror(*CASES[name]).at(-1)
    axis = float(re.search(r'<line x1="([\d.]+)"', svg)[1])
    for g, x, _, w, _ in boxes(svg):
        role = g.removeprefix("mirror-")[0]
        assert (x + w < axis) == (role in "WHbZAYPT")


def test_the_turned_weights_fly_over_from_the_weights():
    scene = mirror(SEED, SEED_X, 1.0, "binary_cross_entropy")
    cell = r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*id="mirror-{}-box"'
    for i, j in ((0, 0), (0, 2), (2, 1)):
        mark = f"V2-{i}-{j}"
        move = rf'id="mirror-{mark}" transform="translate\((\S+) (\S+)\)"'
        start = np.array(re.search(move, scene.svg).groups(), float)
        here = np.array(re.search(cell.format(mark), scene.svg).groups(), float)
        there = np.array(re.search(cell.format(f"W2-{j}-{i}"), scene.svg).groups(), float)
        assert here + start == pytest.approx(there, abs=0.1)
        assert f'id="mirror-{mark}" transform="translate(0 0)"' in scene.at(-1)


def test_of_large_matrices_the_first_and_the_last_are_drawn():
    assert kept(784, 6) == [0, 1, 2, 3, None, 783]
    svg = mirror(*CASES["wide"]).at(-1)
    assert "16×20" in svg
    assert len(grid_of(svg, "mirror-W1")) == 25


def test_the_right_class_is_always_drawn():
    model, x, _, loss = CASES["wide"]
    for label in range(12):
        shown = grid_of(mirror(model, x, label, loss).at(-1), "mirror-T0")
        assert shown[label, 0] == "1"


NUMBERS = [
    0.0, -0.0, 1.0, -0.45, 0.123456, 12.3456, 123.456, 1234.5, -99999.0, 1e5, 1e-3, -9e-4, 1e-300,
    1e300, -1.5e-7, 0.99999,
]  # fmt: skip


@pytest.mark.parametrize("v", NUMBERS)
def test_a_number_in_a_cell_is_short_and_near_the_number(v):
    told = celled(v)
    assert len(told) <= 7
    assert parsed(told) == pytest.approx(v, rel=0.5 if "e" in told else 5e-3, abs=5e-4)
    assert parsed(said(v)) == pytest.approx(v, rel=5e-3, abs=5e-5)


def test_numbers_that_are_not_finite_are_shown_and_told():
    model = [np.array([[1.0, np.nan]]), cr.tanh, np.array([[1.0], [1.0]])]
    scene = backprop(model, [1.0], [1.0], "mse")
    assert "NaN" in grid_of(scene.at(-1), "backprop-Z1")[0, 1]
    assert "Z₁ is not finite: it holds NaN" in scene.transcript()
    assert celled(np.inf) == "∞"
    assert celled(-np.inf) == "−∞"


def test_shut_gates_are_counted():
    model = [np.array([[1.0, -1.0]]), cr.relu, np.array([[1.0], [1.0]])]
    told = backprop(model, [1.0], [5.0], "mse").transcript()
    assert "1 of 2 are shut, where Z ≤ 0" in told
    assert "1 of 2 lets nothing through" in told


def test_a_name_from_the_user_is_shown_and_never_run():
    def evil(z):
        return cr.tanh(z)

    evil.__name__ = "</text><a>"
    model = [np.ones((1, 2)), evil, np.ones((2, 1))]
    for svg in (mirror(model, [1.0], [1.0], "mse").at(-1), network(model).svg):
        assert "</text><a>" not in svg
        assert "&lt;/text&gt;&lt;a&gt;" in svg


# ------------------------------------------------------------------ the network diagram


@EVERY
def test_every_neuron_and_weight_of_a_small_network_is_drawn(name):
    model = CASES[name][0]
    sizes = stack(model, "test").sizes
    svg = network(model, most=30).svg
    neurons = re.findall(r'<g id="net-n(\d+)-(\d+)" class="neuron"', svg)
    assert len(neurons) == sum(sizes)
    lines = re.findall(r'class="(plus|minus)" stroke-width="([\d.]+)"[^>]*id="net-w', svg)
    assert len(lines) == sum(a * b for a, b in pairwise(sizes))
    weights = np.concatenate([one.weight.ravel() for one in stack(model, "test").layers])
    assert sum(kind == "minus" for kind, _ in lines) == (weights < 0).sum()


def test_a_line_is_as_wide_as_its_weight_is_large():
    svg = network([np.array([[1.0, -2.0, 4.0]])]).svg
    wide = re.findall(r'class="(\w+)" stroke-width="([\d.]+)"[^>]*id="net-w1-(\d)-0"', svg)
    by = {int(j): (kind, float(w)) for kind, w, j in wide}
    assert by[0] == ("plus", pytest.approx(0.6 + 4.4 / 4))
    assert by[1] == ("minus", pytest.approx(0.6 + 4.4 / 2))
    assert by[2] == ("plus", 5.0)


def test_neurons_hold_their_values_and_deltas():
    run = run_of("the seed's network")
    svg = network(SEED, SEED_X, 1.0, "binary_cross_entropy").svg
    for c, (h, d) in enumerate(zip(run.forward.outputs, run.backward.deltas, strict=True), 1):
        for i in range(h.shape[1]):
            inside = re.search(rf'id="net-n{c}-{i}" class="neuron">(.*?)</g>', svg)[1]
            assert f">{celled(h[0, i])}</text>" in inside
            assert f">δ {celled(d[0, i])}</text>" in inside
    assert "L = 0.5978" in svg


def test_wide_layers_say_how_many_neurons_are_left_out():
    svg = network(dense(784, 1000, 10, act=cr.nn.ReLU)).svg
    for told in ("⋮ 784 inputs", "⋮ 1,000 neurons", "affine + ReLU", "W₁ 1000×784, b₁ 1000"):
        assert told in svg


def test_a_perceptron_is_a_network_of_one_neuron():
    svg = network(cr.nn.Perceptron(2, std=1.0, seed=3), [1.0, 2.0]).svg
    assert "affine + step" in svg
    assert svg.count('class="neuron"') == 3


# ------------------------------------------------------------------ the perceptron

POINTS = np.array([[1.0, 2.0], [2.0, 1.0], [-1.0, -1.5], [-2.0, 0.5], [0.5, -2.0]])
LABELS = [1, 1, 0, 0, 0]
SEPARABLE = (POINTS, LABELS)


@pytest.mark.parametrize("seed", range(4))
def test_the_perceptron_of_the_picture_learns_as_the_layer_does(seed):
    start = cr.nn.Perceptron(2, lr=0.5, std=1.0, seed=seed)
    learned, mistakes = start.learn(POINTS, LABELS)
    scene = perceptron(*SEPARABLE, model=start)
    words = scene.moments[-1].words
    assert f"In pass {len(mistakes)} " in words
    assert f"after {sum(mistakes)} correction" in words
    shown = [m.changes["perceptron-w-is"]["text"] for m in scene.moments
             if "perceptron-w-is" in m.changes]  # fmt: skip
    expected = f"w = ({', '.join(said(v) for v in learned.weight.value)})"
    assert shown[-1:] == [expected] or not sum(mistakes)


def test_a_correction_is_told_with_its_numbers():
    start = cr.nn.Perceptron(2, lr=0.5).replace(weight=cr.tensor([-1.0, 0.5]))
    scene = perceptron([1.0, 2.0], [1], model=start, epochs=1)
    told = scene.transcript()
    assert "w·x + b = (−1)·1 + 0.5·2 + 0 = 0, not above 0: it says 0" in told
    assert "w shall point more along x: 0.5·x is added to w" in told
    assert "w moves to (−0.5, 1.5)" in told
    assert "grows by 0.5·(x·x + 1) = 3, from 0 to 3: now it is right" in told


@pytest.mark.parametrize("label", [0, 1])
def test_the_scaled_input_ends_where_the_new_weight_vector_does(label):
    start = cr.nn.Perceptron(2, lr=0.5).replace(weight=cr.tensor([2.0 - 4.0 * label, 0.5]))
    scene = perceptron([1.0, 2.0], [label], model=start)
    tip = np.array(scene.moments[1].changes["perceptron-move"]["points"].split()[3].split(","))
    flown = re.findall(r"-?[\d.]+", scene.moments[2].changes["perceptron-move"]["transform"])
    w = scene.moments[3].changes["perceptron-w"]["points"].split()[3].split(",")
    assert tip.astype(float) + np.array(flown, float) == pytest.approx(np.array(w, float), abs=0.1)


def test_an_input_of_label_0_is_red_and_subtracted():
    start = cr.nn.Perceptron(2, lr=0.5).replace(weight=cr.tensor([1.0, 1.0]))
    scene = perceptron([1.0, 2.0], [0], model=start)
    assert scene.moments[1].changes["perceptron-x"]["class"] == "fill-class"
    assert "subtracted from w" in scene.moments[2].words
    assert "shrinks by" in scene.moments[3].words


def test_the_boundary_is_where_the_score_is_0():
    start = cr.nn.Perceptron(2).replace(weight=cr.tensor([1.0, -2.0]), bias=cr.tensor(0.7))
    svg = perceptron(*SEPARABLE, model=start).svg
    x, y, angle = map(float, re.search(
        r'id="perceptron-side" transform="translate\((\S+) (\S+)\) rotate\((\S+)\)"', svg
    ).groups())  # fmt: skip
    ticks = re.findall(r'<text x="([\d.]+)" y="496" [^>]*>([^<]+)<', svg)
    (px, vx), (qx, wx) = [(float(p), parsed(v)) for p, v in (ticks[0], ticks[-1])]
    unit = (qx - px) / (wx - vx)
    at = np.array([(x - 34 - 230) / unit, (20 + 230 - y) / unit])
    assert float(start.score(at)) == pytest.approx(0.0, abs=0.02)
    normal = np.array([np.cos(np.radians(-angle)), np.sin(np.radians(-angle))])
    assert normal == pytest.approx(np.array([1.0, -2.0]) / np.sqrt(5), abs=1e-3)


def test_points_that_no_line_parts_are_said_never_to_be_learned():
    xor = perceptron([[0, 0], [1, 1], [0, 1], [1, 0]], [0, 0, 1, 1], epochs=5, steps=3)
    assert "It stops after pass 5, in which there still were mistakes" in xor.moments[-1].words
    assert "more corrections" in xor.moments[-2].words


# ------------------------------------------------------------------ what is refused

CONV = cr.nn.Sequential(cr.nn.Conv2d(1, 2, 3), cr.nn.Flatten(), cr.nn.Linear(2, 1))
TWICE = cr.nn.Linear(2, 2)
REFUSED = {
    "a convolution": (lambda: network(CONV), UsageError, "layer 0, Conv2d.*style='graph'"),
    "a residual": (lambda: network(cr.nn.Residual(dense(2, 2))), UsageError, "Residual"),
    "a recurrent layer": (lambda: network(cr.nn.RNN(2, 3)), UsageError, "RNN.*no picture"),
    "a first activation": (
        lambda: network(cr.nn.Sequential(cr.nn.Tanh(), cr.nn.Linear(2, 1))), UsageError,
        "layer 0, Tanh.*before the first Linear",
    ),
    "no layers": (lambda: network(cr.nn.Sequential()), UsageError, "no Linear layer"),
    "shared weights": (lambda: network(cr.nn.Sequential(TWICE, TWICE)), UsageError, "twice"),
    "a number": (lambda: network(3), UsageError, "of an int"),
    "text in a list": (lambda: network([np.ones((2, 3)), "relu"]), UsageError, "part 1"),
    "a bias alone": (lambda: network([np.ones(3)]), ShapeError, r"\(in, out\)"),
    "weights that do not chain": (
        lambda: network([np.ones((2, 3)), np.ones((2, 1))]), ShapeError, "take 2.*gives 3"
    ),
    "a bias too long": (lambda: network([np.ones((2, 3)), np.ones(2)]), ShapeError, "3 neurons"),
    "x too short": (lambda: mirror(SEED, [1.0], 1.0, "mse"), ShapeError, r"\(2,\) or \(N, 2\)"),
    "x of words": (lambda: mirror(SEED, ["a", "b"], 1.0, "mse"), DataError, "real numbers"),
    "no x": (lambda: mirror(SEED, None, 1.0, "mse"), UsageError, "2 numbers"),
    "no y": (lambda: mirror(SEED, SEED_X, None, "mse"), UsageError, "target"),
    "y of another size": (lambda: mirror(SEED, SEED_X, [1.0, 2.0], "mse"), ShapeError, "mse"),
    "an unknown loss": (lambda: mirror(SEED, SEED_X, 1.0, "msee"), UsageError, "msee"),
    "a loss off the graph": (
        lambda: mirror(SEED, SEED_X, 1.0, lambda y, t: 1.0), UsageError, "does not come from"
    ),
    "no rate": (lambda: backprop(SEED, SEED_X, 1.0, "mse", lr=np.nan), UsageError, "finite"),
    "layer 9": (
        lambda: weight_update(SEED, SEED_X, 1.0, "mse", layer=9), UsageError, "layers 1 to 3"
    ),
    "two rows": (lambda: mirror(SEED, SEED_X, 1.0, "mse", most=2), UsageError, "at least 3"),
    "columns of arrays": (
        lambda: mirror(arrays(2, 1), [1.0, 2.0], [1.0], "mse", rows=False), UsageError, "x @ w"
    ),
    "a mirror of a perceptron": (
        lambda: mirror(cr.nn.Perceptron(2), [1.0, 2.0], 1.0, "mse"), UsageError, "perceptron"
    ),
    "points in space": (lambda: perceptron(np.ones((2, 3)), [0, 1]), ShapeError, "plane"),
    "labels 1 and 2": (lambda: perceptron(POINTS, [1, 2, 1, 1, 1]), DataError, "0 and 1"),
    "too few labels": (lambda: perceptron(POINTS, [1]), ShapeError, "one for each"),
    "points not finite": (lambda: perceptron([[np.nan, 1.0]], [1]), DataError, "NaN"),
    "no steps": (lambda: perceptron(*SEPARABLE, steps=0), UsageError, "steps=0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_picture_is_refused_with_what_to_do(name):
    call, error, words = REFUSED[name]
    with pytest.raises(error, match=re.compile(words, re.S)) as caught:
        call()
    assert isinstance(caught.value, ChainruleError)


# ------------------------------------------------------------------ small pieces


def test_layers_that_pass_on_what_they_get_are_looked_through():
    inner = cr.nn.Sequential(cr.nn.Linear(4, 3), cr.nn.Dropout(0.5), cr.nn.ReLU(), cr.nn.Tanh())
    model = cr.nn.Sequential(cr.nn.Flatten(), inner, cr.nn.Identity(), cr.nn.Linear(3, 1))
    made = stack(model, "test")
    assert made.sizes == (4, 3, 1)
    assert [one.bend.sign for one in made.layers] == ["tanh∘ReLU", ""]
    run = learning(made, np.ones((1, 2, 2)), [[1.0]], "mse", 0.1, "test")
    assert run.forward.y == pytest.approx(model(np.ones((1, 2, 2))))


Z = np.array([[0.3, -1.2], [2.0, 0.1]])


@pytest.mark.parametrize("function", [cr.tanh, cr.nn.ELU(), WAVE, lambda z: cr.maximum(z, 0.2)])
def test_slopes_are_those_of_each_number_by_itself(function):
    bend = stack([np.ones((2, 2)), function], "test").layers[0].bend
    h = 1e-6
    told = [float(cr.sum(function(Z + h * s)) - cr.sum(function(Z - h * s))) / (2 * h)
            for s in np.eye(4).reshape(4, 2, 2)]  # fmt: skip
    assert bend.slopes(Z).ravel() == pytest.approx(told, abs=1e-6)


@pytest.mark.parametrize("function", [cr.nn.Softmax(), lambda z: z / cr.sum(z, -1, True), cr.sort])
def test_what_mixes_its_inputs_has_no_slope_of_each_number(function):
    bend = stack([np.ones((2, 2)), function], "test").layers[0].bend
    assert bend.slopes(Z) is None


def test_subscripts_go_beyond_nine():
    assert low(10) == "₁₀"


def test_a_grid_in_other_numbers_changes_only_what_is_drawn():
    grid = Grid("g", np.zeros((9, 1)), "Z", "value")
    changes = grid.become(np.arange(9.0)[:, None])
    assert changes["g-8-0-text"] == {"text": "8"}
    assert "g-6-0-text" not in changes
