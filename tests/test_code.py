"""Written code is run here, by itself, and must give the engine's gradients."""

from __future__ import annotations

import runpy

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.ops.catalogue import EXAMPLES

rng = np.random.default_rng(7)


def run(path, text, function="forward_and_backward", wrap=lambda x: x):
    """What the written function gives for the arguments the text was made with."""
    path.write_text(text, "utf-8")
    values = [wrap(v) for v in text.arguments.values()]
    return runpy.run_path(str(path))[function](*values)


def agree(given, loss, leaves):
    """Whether the loss and all gradients are the engine's."""
    cr.zero_grad(loss)
    loss.backward()
    value, gradients = given
    np.testing.assert_allclose(float(value), loss.item(), rtol=1e-12, atol=1e-14)
    assert len(gradients) == len(leaves)
    for g, leaf in zip(gradients.values(), leaves, strict=True):
        assert np.shape(g) == leaf.shape
        np.testing.assert_allclose(np.asarray(g), leaf.grad, rtol=1e-9, atol=1e-12)


def floats(found):
    """The float values among what a function returns."""
    if isinstance(found, (tuple, list)):
        return [y for part in found for y in floats(part)]
    return [found] if found.dtype.kind == "f" else []


def scalar(found):
    """One number that depends on every element, each in its own way."""
    total = 0.0
    for k, y in enumerate(floats(found)):
        weights = np.cos(np.arange(y.size) + k).reshape(y.shape)
        total = total + cr.sum(y * weights)
    return total


def traced(row):
    """The operands of a catalogue row as tensors, and one number made of its value."""
    xs = [
        cr.tensor(x, name=f"x{k}") if k in row.differentiable else x
        for k, x in enumerate(row.arguments())
    ]
    return [x for x in xs if isinstance(x, cr.Tensor)], scalar(row.call(*xs))


ROWS = [r for r in EXAMPLES if r.differentiable]
MOVING = [r for r in ROWS if r.traces]


def reached(leaves, loss):
    """The leaves that the loss depends on by a differentiable path."""
    cr.zero_grad(loss)
    loss.backward()
    return [x for x in leaves if x.grad is not None]


@pytest.mark.parametrize("row", MOVING, ids=str)
def test_the_numpy_code_of_every_op_gives_the_engines_gradients(row, tmp_path):
    leaves, loss = traced(row)
    leaves = reached(leaves, loss)
    with np.errstate(all="ignore"):
        given = run(tmp_path / "written.py", cr.code(loss, wrt=leaves))
    agree(given, loss, leaves)


# ------------------------------------------------------------------ networks

ACTIVATIONS = {
    "relu": cr.relu, "sigmoid": cr.sigmoid, "tanh": cr.tanh, "softplus": cr.softplus,
    "selu": cr.selu, "gelu": cr.gelu, "silu": cr.silu, "leaky_relu": cr.leaky_relu,
    "elu": cr.elu, "softmax": cr.softmax,
}  # fmt: skip
LOSSES = {
    "mse": (lambda y: cr.nn.losses.mse(y, TARGETS), 2),
    "half": (lambda y: cr.nn.losses.mse(y, TARGETS, half=True), 2),
    "l1": (lambda y: cr.nn.losses.l1(y, TARGETS), 2),
    "huber": (lambda y: cr.nn.losses.huber(y, TARGETS, delta=0.3), 2),
    "cross_entropy": (lambda y: cr.nn.losses.cross_entropy(y, LABELS), 3),
    "shares": (lambda y: cr.nn.losses.cross_entropy(y, SHARES), 3),
    "binary_cross_entropy": (
        lambda y: cr.nn.losses.binary_cross_entropy(cr.sigmoid(y), BITS), 2),
    "with_logits": (lambda y: cr.nn.losses.binary_cross_entropy_with_logits(y, BITS), 2),
}  # fmt: skip
TARGETS, LABELS = rng.normal(size=(5, 2)), np.array([0, 2, 1, 1, 0])
BITS = (TARGETS > 0).astype(float)
SHARES = np.abs(rng.normal(size=(5, 3)))


def network(activation, loss):
    """A network of two layers as seed 2 writes one, its parameters first."""
    ends, width = LOSSES[loss]
    shapes = {"w1": (3, 4), "b1": (4,), "w2": (4, width), "b2": (width,)}
    leaves = {k: cr.tensor(rng.normal(size=s), name=k) for k, s in shapes.items()}
    x = cr.tensor(rng.normal(size=(5, 3)), name="x")
    l1 = ACTIVATIONS[activation](x @ leaves["w1"] + leaves["b1"])
    l2 = l1 @ leaves["w2"] + leaves["b2"]
    return list(leaves.values()), ends(l2)


def rnn():
    """Four steps of a recurrent network that shares its weights, with a cost at each."""
    w, v, b = (cr.tensor(rng.normal(size=s), name=n) for n, s in
               (("w", (2, 3)), ("v", (3, 3)), ("b", (3,))))  # fmt: skip
    xs, h, cost = rng.normal(size=(4, 2)), cr.tensor(np.zeros(3), name="h0"), 0.0
    for k in range(4):
        h = cr.tanh(xs[k] @ w + h @ v + b)
        cost = cost + cr.sum(cr.square(h - 0.5))
    return [w, v, b], cost


def lstm():
    """Two steps of a long short-term memory: gates, a cell, a hidden state."""
    w, v, b = (cr.tensor(rng.normal(size=s), name=n) for n, s in
               (("w", (2, 12)), ("v", (3, 12)), ("b", (12,))))  # fmt: skip
    xs, h, c = rng.normal(size=(2, 2)), np.zeros(3), np.zeros(3)
    for k in range(2):
        gates = xs[k] @ w + h @ v + b
        keep, write, show = (cr.sigmoid(gates[3 * j : 3 * j + 3]) for j in range(3))
        c = keep * c + write * cr.tanh(gates[9:])
        h = show * cr.tanh(c)
    return [w, v, b], cr.sum(h * np.array([1.0, -2.0, 0.5]))


def gru():
    """Two steps of a gated recurrent unit."""
    w, v = (cr.tensor(rng.normal(size=s), name=n) for n, s in (("w", (2, 9)), ("v", (3, 9))))
    xs, h = rng.normal(size=(2, 2)), cr.tensor(np.full(3, 0.1), name="h0")
    for k in range(2):
        a, r = xs[k] @ w, h @ v
        reset, update = cr.sigmoid(a[:3] + r[:3]), cr.sigmoid(a[3:6] + r[3:6])
        h = (1.0 - update) * cr.tanh(a[6:] + reset * r[6:]) + update * h
    return [w, v], cr.sum(cr.square(h))


def loop(reverse=False):
    """A recurrent network as one op, of which all steps are written."""
    w, h = cr.tensor(rng.normal(size=(3, 3)), name="w"), cr.tensor(np.ones(3), name="h")
    xs = cr.tensor(rng.normal(size=(4, 3)), name="xs")

    def step(h, x):
        h = cr.tanh(h @ w + x)
        return h, h * x

    last, ys = cr.scan(step, h, xs, reverse=reverse)
    return [w, h, xs], cr.sum(last) + cr.sum(cr.square(ys))


def checkpointed():
    """The inside of a checkpoint, which is written out."""
    w = cr.tensor(rng.normal(size=3), name="w")
    return [w], cr.sum(cr.checkpoint(lambda w: cr.tanh(w) * w)(w))


def layers(activation, loss):
    """The same network as layers, its parameters without names."""
    ends, width = LOSSES[loss]
    first, last = (cr.nn.Linear(a, b, dtype=np.float64, seed=a) for a, b in ((3, 4), (4, width)))
    model = cr.nn.Sequential(first, cr.nn.__dict__[activation](), last)
    return model.parameters(), ends(model(rng.normal(size=(5, 3))))


def recurrent(kind, steps, **settings):
    """A recurrent layer over some steps, with a cost at each of them and one at the end."""
    model = getattr(cr.nn, kind)(2, 3, seed=4, dtype=np.float64, **settings)
    y, last = model(rng.normal(size=(steps, 2, 2)))
    last = last[0] if isinstance(last, tuple) else last
    return model.parameters(), cr.mean(cr.square(y - 0.3)) + cr.sum(last * last * 0.5)


def long_loop(reverse=False, steps=40):
    """A loop over numbers that is too long to be written step by step."""
    w, h, xs = (cr.tensor(v, name=n) for n, v in
                (("w", 0.7), ("h", 0.2), ("xs", np.sin(np.arange(steps)))))  # fmt: skip
    return *cr.scan(lambda h, x: (cr.tanh(w * h + x), h * h), h, xs, reverse=reverse), [w, h, xs]


def walked(reverse=False):
    last, ys, leaves = long_loop(reverse)
    return leaves, last * last + cr.sum(ys)


def branch(w):
    """One of two bodies, by a condition that is computed."""
    w, v = cr.tensor(w, name="w"), cr.tensor(1.3, name="v")
    y = cr.cond(w > 0.5, lambda a, b: cr.sin(a) * b, lambda a, b: a * b * b, w, v)
    return [w, v], y * w


def branch_in_a_loop():
    """A body that chooses at every step."""
    w, h, xs = (cr.tensor(v, name=n) for n, v in
                (("w", 0.7), ("h", 0.2), ("xs", np.cos(np.arange(30.0)))))  # fmt: skip

    def step(h, x):
        return cr.cond(x > 0, lambda a: cr.tanh(a * w), lambda a: a * 0.5 + x, h), None

    return [w, h, xs], cr.scan(step, h, xs)[0] * w


def loop_in_a_loop():
    """A body with a loop of its own."""
    w, h, xs = (cr.tensor(v, name=n) for n, v in
                (("w", 0.7), ("h", 0.2), ("xs", np.cos(np.arange(9.0)))))  # fmt: skip

    def step(h, x):
        inner, _ = cr.scan(lambda c, v: (c * w + v, None), h, xs[:6])
        return cr.tanh(inner + x), None

    return [w, h, xs], cr.scan(step, h, xs)[0] * w


LAYERS = ("ReLU", "Sigmoid", "Tanh", "GELU", "SiLU", "ELU", "SELU", "Softplus", "LeakyReLU")
SINGLE = {  # graphs of single numbers, which plain Python writes too
    "a long loop": walked,
    "a long loop, reverse": lambda: walked(reverse=True),
    "a branch, first": lambda: branch(0.7),
    "a branch, second": lambda: branch(0.3),
    "a branch in a loop": branch_in_a_loop,
}
NETWORKS = {
    **{a: lambda a=a: layers(a, "mse") for a in LAYERS},
    **{f"Tanh, {k}": lambda k=k: layers("Tanh", k) for k in LOSSES},
    **{
        f"{k}, {n} steps": lambda k=k, n=n: recurrent(k, n)
        for k in ("RNN", "LSTM", "GRU")
        for n in (1, 3, 40)
    },
    "LSTM, both ways": lambda: recurrent("LSTM", 12, bidirectional=True),
    "GRU, two layers": lambda: recurrent("GRU", 12, num_layers=2),
    **SINGLE,
    "a loop in a loop": loop_in_a_loop,
    **{a: lambda a=a: network(a, "mse") for a in ACTIVATIONS},
    **{f"tanh, {k}": lambda k=k: network("tanh", k) for k in LOSSES},
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "scan": loop,
    "scan, reverse": lambda: loop(reverse=True),
    "checkpoint": checkpointed,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_numpy_code_of_a_network_gives_the_engines_gradients(name, tmp_path):
    leaves, loss = NETWORKS[name]()
    agree(run(tmp_path / "written.py", cr.code(loss, wrt=leaves)), loss, leaves)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_torch_code_of_a_network_gives_the_engines_gradients(name, tmp_path):
    torch = pytest.importorskip("torch")
    leaves, loss = NETWORKS[name]()
    written = cr.code(loss, wrt=leaves, style="torch")
    for function in ("forward_and_backward", "by_autograd"):
        given = run(tmp_path / "written.py", written, function, torch.tensor)
        value, gradients = given
        plain = value.detach().numpy(), {k: g.detach().numpy() for k, g in gradients.items()}
        agree(plain, loss, leaves)


# What PyTorch has no short word for.
NOT_IN_TORCH = {
    "prod(axis=(0, 2))", "prod(axis=(-1, 0), keepdims)", "repeat(counts)", "take",
    "getitem(a negative step)", "getitem(a list)", "getitem(an array between slices)",
    "getitem(arrays apart)", "getitem(a mask of one axis)",
}  # fmt: skip
IN_TORCH = [r for r in MOVING if str(r) not in NOT_IN_TORCH]


@pytest.mark.parametrize("row", IN_TORCH, ids=str)
def test_the_torch_code_of_an_op_gives_the_engines_gradients(row, tmp_path):
    torch = pytest.importorskip("torch")
    leaves, loss = traced(row)
    leaves = reached(leaves, loss)
    written = cr.code(loss, wrt=leaves, style="torch")
    value, gradients = run(tmp_path / "written.py", written, wrap=torch.tensor)
    agree((value.numpy(), {k: np.asarray(g) for k, g in gradients.items()}), loss, leaves)


@pytest.mark.parametrize("row", [r for r in MOVING if str(r) in NOT_IN_TORCH], ids=str)
def test_what_torch_has_no_word_for_is_refused(row):
    leaves, loss = traced(row)
    with pytest.raises(cr.UsageError, match='cannot be written in style="torch"'):
        cr.code(loss, wrt=reached(leaves, loss), style="torch")


SCALARS = [r for r in MOVING if r.op is not None and r.name != "where"]


@pytest.mark.parametrize("row", SCALARS, ids=str)
def test_the_python_code_of_a_scalar_op_gives_the_engines_gradients(row, tmp_path):
    row = row.shaped(*((),) * len(row.operands))
    leaves, loss = traced(row)
    leaves = reached(leaves, loss)
    agree(run(tmp_path / "written.py", cr.code(loss, wrt=leaves, style="python"), wrap=float),
          loss, leaves)  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_the_python_code_of_loops_and_branches_gives_the_engines_gradients(name, tmp_path):
    leaves, loss = SINGLE[name]()
    written = cr.code(loss, wrt=leaves, style="python")
    assert "import numpy" not in written
    agree(run(tmp_path / "written.py", written, wrap=np.ndarray.tolist), loss, leaves)


def test_a_long_loop_is_written_as_a_loop_and_its_gradient_as_one_the_other_way():
    leaves, loss = recurrent("RNN", 40)
    lines = str(cr.code(loss, wrt=leaves)).splitlines()
    assert "    for k in range(40):" in lines
    assert "    for k in reversed(range(40)):" in lines
    assert len(lines) < 60


def test_what_a_loop_needs_no_more_is_not_computed():
    leaves, loss = recurrent("RNN", 40)  # the states before each step are given: nothing for them
    written = str(cr.code(loss, wrt=[leaves[0]]))
    assert "b1_g" not in written


def test_a_short_loop_is_written_step_by_step():
    leaves, loss = loop()
    assert "for " not in cr.code(loss, wrt=leaves)


def test_a_branch_is_written_as_if_and_else():
    leaves, loss = branch(0.7)
    lines = str(cr.code(loss, wrt=leaves)).splitlines()
    assert "    if u1:" in lines
    assert "        y = np.sin(w) * v" in lines
    assert "        y = w * v * v" in lines


def test_the_other_branch_is_there_too(tmp_path):
    _, loss = branch(0.7)
    leaves, other = branch(0.3)
    (tmp_path / "written.py").write_text(cr.code(loss), "utf-8")
    given = runpy.run_path(str(tmp_path / "written.py"))["forward_and_backward"](0.3, 1.3)
    agree(given, other, leaves)


def two_linear():
    model = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.ReLU(), cr.nn.Linear(4, 1))
    return model, cr.sum(model(np.ones((2, 3), np.float32)))


def test_parameters_without_a_name_are_weights_and_biases():
    model, loss = two_linear()
    written = cr.code(loss, wrt=model.parameters())
    assert "return loss, {" in written
    assert '"w1": w1_g, "b1": b1_g, "w2": w2_g, "b2": b2_g' in written


def test_the_parameters_of_a_model_are_called_by_their_place():
    model, loss = two_linear()
    assert '"layer0_weight": layer0_weight_g' in cr.code(loss, wrt=model)


@cr.nn.layer
class Named(cr.nn.Module):
    fc1: cr.nn.Linear
    fc2: cr.nn.Linear

    def __call__(self, x):
        return self.fc2(cr.tanh(self.fc1(x)))


def test_a_path_of_fields_makes_a_name():
    model = Named(cr.nn.Linear(2, 3), cr.nn.Linear(3, 1, bias=False))
    written = cr.code(cr.sum(model(np.ones((4, 2), np.float32))), wrt=model)
    assert "fc1_weight_g = " in written
    assert "fc2_weight_g = " in written


def test_a_dict_of_tensors_tells_their_names():
    model, loss = two_linear()
    named = dict(zip(("A", "a", "B", "b"), model.parameters(), strict=True))
    assert '{"A": A_g, "a": a_g, "B": B_g, "b": b_g}' in cr.code(loss, wrt=named)


def test_the_backward_loop_of_a_loop_is_written_too(tmp_path):
    xs = np.array([0.5, -0.2, 0.1])

    def last(w, xs):
        return cr.scan(lambda h, x: (cr.tanh(w * h + x), h), w * 2.0, xs)[0]

    graph = cr.capture(cr.grad(last), 0.7, xs)
    written = cr.code(graph, wrt=graph.inputs[0])
    (tmp_path / "written.py").write_text(written, "utf-8")
    value, gradients = runpy.run_path(str(tmp_path / "written.py"))["forward_and_backward"](0.7, xs)
    assert value == pytest.approx(float(cr.grad(last)(0.7, xs)), rel=1e-12)
    assert next(iter(gradients.values())) == pytest.approx(
        float(cr.grad(cr.grad(last))(0.7, xs)), rel=1e-12
    )


# ------------------------------------------------------------------ how it reads


def two_layers():
    """Seed 2: a hidden relu layer, an affine layer, the mean squared error."""
    x, y = cr.tensor(rng.normal(size=(6, 2)), name="x"), rng.normal(size=(6, 1))
    w1, b1 = cr.tensor(rng.normal(size=(2, 3)), name="w1"), cr.tensor(np.ones(3), name="b1")
    w2, b2 = cr.tensor(rng.normal(size=(3, 1)), name="w2"), cr.tensor(np.ones(1), name="b2")
    l1 = cr.relu(x @ w1 + b1)
    l2 = l1 @ w2 + b2
    diff = y - l2
    loss = cr.mean(diff**2)
    return loss, [w1, b1, w2, b2]


SEED_2 = [
    "l1 = np.maximum(u2, 0)  # (6, 3)", "l2 = u3 + b2  # (6, 1)",
    "diff_g = 0.3333333333333333 * diff  # (6, 1)", "l2_g = -diff_g  # (6, 1)",
    "w2_g = l1.T @ l2_g  # (3, 1)", "l1_g = l2_g @ w2.T  # (6, 3)",
    "u2_g = l1_g * (u2 > 0)  # (6, 3)", "w1_g = x.T @ u2_g  # (2, 3)",
    "b1_g = np.sum(u2_g, axis=0)  # (3,)",
]  # fmt: skip


@pytest.mark.parametrize("line", SEED_2)
def test_the_code_of_seed_2_reads_as_the_article_writes_it(line):
    loss, leaves = two_layers()
    assert f"    {line}" in str(cr.code(loss, wrt=leaves)).splitlines()


def test_the_code_of_seed_2_runs(tmp_path):
    loss, leaves = two_layers()
    agree(run(tmp_path / "written.py", cr.code(loss, wrt=leaves)), loss, leaves)


def test_a_wrong_line_would_be_noticed(tmp_path):
    loss, leaves = two_layers()
    written = cr.code(loss, wrt=leaves)
    spoilt = type(written)(written.replace("(u2 > 0)", "(u2 < 0)"))
    spoilt.arguments = written.arguments
    with pytest.raises(AssertionError):
        agree(run(tmp_path / "written.py", spoilt), loss, leaves)


def test_what_is_asked_about_a_value_is_not_its_name():
    x = cr.tensor(2.0, name="x")
    asked = cr.code(cr.sin(x) * x)
    assert "asked" not in asked
    assert "return loss," in asked


def test_a_graph_is_written_as_its_function():
    graph = cr.capture(lambda w, x: cr.sum(cr.tanh(x @ w)), np.ones((2, 2)), np.ones((3, 2)))
    written = cr.code(graph)
    assert "def forward_and_backward(w, x):" in written
    assert written.arguments == {}


LABELS_OF_USERS = ["a\nimport os", "class", "np", "1x", "x y", "</script>", "", "é"]


@pytest.mark.parametrize("label", LABELS_OF_USERS)
def test_a_label_becomes_a_name_and_nothing_else(label, tmp_path):
    x = cr.tensor([1.0, 2.0], name=label)
    loss = cr.sum(cr.square(x))
    written = cr.code(loss)
    assert "import os" not in written
    agree(run(tmp_path / "written.py", written), loss, [x])


def test_two_of_one_name_are_told_apart(tmp_path):
    x, y = cr.tensor(2.0, name="x"), cr.tensor(3.0, name="x")
    loss = x * x * y
    agree(run(tmp_path / "written.py", cr.code(loss, wrt=[x, y])), loss, [x, y])


cubed = cr.elementwise(lambda xp, x: x * x * x, lambda y, x: (3.0 * x * x,), name="cubed")


def test_an_op_of_the_users_is_written_as_what_it_computes(tmp_path):
    x = cr.tensor([1.0, 2.0], name="x")
    loss = cr.sum(cubed(x))
    agree(run(tmp_path / "written.py", cr.code(loss)), loss, [x])


REFUSED = {
    "no history": (lambda: cr.code(3.0), cr.UsageError, "does not remember"),
    "style": (lambda: cr.code(cr.tensor(1.0) * 2.0, style="c"), cr.UsageError, "style='c'"),
    "not one number": (lambda: cr.code(cr.tensor([1.0, 2.0]) * 2.0), cr.ScalarError, "shape"),
    "not on the path": (
        lambda: cr.code(cr.tensor(1.0) * 2.0, wrt=[cr.tensor(1.0, name="q")]), cr.PathError, "q"),
    "arrays in python": (
        lambda: cr.code(cr.sum(cr.sin(cr.tensor([1.0, 2.0], name="v"))), style="python"),
        cr.UsageError, "v is an array"),
    "a list that is computed with": (
        lambda: cr.code(cr.sum(cr.square(long_loop()[1])), style="python"), cr.UsageError, "array"),
    "a model without its parameters": (
        lambda: cr.code(cr.tensor(1.0) * 2.0, wrt=cr.nn.Linear(1, 1)), cr.PathError, "weight"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_said_in_words(name):
    wrong, kind, words = REFUSED[name]
    with refused(kind, words):
        wrong()
