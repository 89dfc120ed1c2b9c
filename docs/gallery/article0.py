"""Article 0: a neuron with a sigmoid, forward, backward, and one step of learning."""

import numpy as np
from exhibit import Beside, Printed, Room, Table, six

import chainrule as cr


def neuron():
    """Half the squared error of a neuron: W = [2, −3], b = −3, x = [−1, −2], y = 1."""
    w1, w2, b = (cr.tensor(v, name=n) for n, v in (("w1", 2.0), ("w2", -3.0), ("b", -3.0)))
    x1, x2, y = (cr.tensor(v, name=n) for n, v in (("x1", -1.0), ("x2", -2.0), ("y", 1.0)))
    z = (w1 * x1 + w2 * x2 + b).named("z")
    a = cr.sigmoid(z).named("a")
    e = (y - a).named("e")
    s = (e**2).named("s")
    C = (0.5 * s).named("C")
    return C, [w1, w2, b]


ROOM = Room(
    "neuron", "A single neuron",
    "Two inputs, a sigmoid, half a squared error: small enough to see every number, and every "
    "idea that a deep network needs is already in it.",
    "After “Understanding Backpropagation”", (neuron,),
)  # fmt: skip


@ROOM.shows(
    "P0.1 N0.setup N0.forward", "Forward: from the inputs to the cost",
    "Every value stands in green above the line that carries it; on paper, with a = 0.73.",
)  # fmt: skip
def forward():
    C, weights = neuron()
    return cr.draw(C, wrt=weights, gradients=False, digits=2)


@ROOM.shows(
    "P0.2 C0.delta", "The chain rule, and δ",
    "∂C/∂w₁ = ∂C/∂a · ∂a/∂z · ∂z/∂w₁. The first factors are the same for w₁, w₂ and b: they are "
    "called δ and computed once.",
)  # fmt: skip
def chain_rule():
    C, weights = neuron()
    return cr.derive(C, wrt=weights)


@ROOM.shows(
    "P0.3 N0.printed", "Backward: the local gradient at each operation",
    "The same graph walked back, rounded as one does on paper: −0.27 meets 0.1971 at σ and goes "
    "on as −0.053217; ∂C/∂w₁ is 0.053217.",
)  # fmt: skip
def backward():
    C, weights = neuron()
    return cr.draw(C, wrt=weights, digits=2)


@ROOM.shows(
    "N0.exact", "The same without rounding",
    "The exact gradients, also of the inputs, and how far the rounded ones have drifted.",
)  # fmt: skip
def exact():
    C, _ = neuron()
    drift = [d for d in cr.trace(C, digits=2).drift if d.size > 0]
    return cr.draw(C), Table(
        ("number", "on paper", "exactly"),
        tuple((f"{d.of} of {d.name}", six(d.paper), six(d.exact)) for d in drift),
    )


@ROOM.shows(
    "N0.update", "One step of learning, played",
    "Forward, backward, then every weight moves against its gradient with rate 1, and the neuron "
    "answers again: 0.79 after 0.73.",
)  # fmt: skip
def step():
    C, weights = neuron()
    return cr.animate(C, wrt=weights, digits=2, lr=1.0)


@ROOM.shows(
    "N0.update X0.loss X0.rounding X0.leaky", "What the article prints, and what is exact",
    "Rounding a to 0.73 moves the third digit of everything after it; the rest are slips.",
)  # fmt: skip
def slips():
    C, weights = neuron()
    paper, true = (cr.trace(C, weights, digits=d, lr=1.0) for d in (2, None))
    found = {t: dict(t.update.after) for t in (paper, true)}
    after = {t: {s.name: s.value for s in t.update.steps} for t in (paper, true)}
    squared = {t: (t["a"].value - 1.0) ** 2 for t in (paper, true)}
    slope = cr.grad(cr.leaky_relu)(-3.0)
    both = [f"{six(found[paper][k])} rounded, {six(found[true][k])} exact" for k in found[true]]
    return (
        Printed("∂C/∂w₁", "0.053217", six(true.gradients["w1"]), "a was rounded to 0.73 before"),
        Printed("∂a/∂z", "0.1971", six(true["a"].operands[0].local), "0.73 · 0.27"),
        Printed("w₁ after the step", "1.94", both[0], "cut off: it rounds to 1.95"),
        Printed("w₂ after the step", "−3.106", both[1], "rounded on the way"),
        Printed("b after the step", "−2.947", both[2], "right to three digits"),
        Printed("a after the step", "0.79", six(after[true]["a"]),
                f"right; z is then {six(after[true]['z'])}"),
        Printed("C", "0.0729", f"{six(paper.result)} rounded, {six(true.result)} exact",
                f"the ½ was forgotten: (1 − a)² is {six(squared[paper])}; the gradient is that "
                "of the halved cost"),
        Printed("C after the step", "", six(true.update.result), "the article does not say"),
        Printed("leaky ReLU below 0", "some small negative value", f"slope · z, slope {slope:g}",
                "its derivative is a small positive constant"),
    )  # fmt: skip


@ROOM.shows(
    "C0.gates", "What each gate does to a gradient",
    "The sum copies it, the product is a switch that multiplies by the other factor, and the bias "
    "receives δ itself; a node seen from near says so.",
)  # fmt: skip
def gates():
    C, weights = neuron()
    return cr.draw(C, node="u1"), cr.draw(C, node="z"), cr.paths(C, wrt=weights)


@ROOM.shows(
    "P0.4", "The sigmoid and its derivative",
    "It never passes on more than a quarter, and almost nothing where it is flat.",
)  # fmt: skip
def sigmoid():
    return cr.pictures.activations("sigmoid")


@ROOM.shows(
    "P0.5", "The hyperbolic tangent and its derivative",
    "A sigmoid stretched over −1 to 1: tanh x = 2σ(2x) − 1. It passes on at most 1.",
)  # fmt: skip
def tanh():
    places = (-2.0, -1.0, 0.0, 1.0, 2.0)
    rows = ((six(x), six(np.tanh(x)), six(2 * cr.sigmoid(2 * x) - 1)) for x in places)
    return cr.pictures.activations("tanh"), Table(("x", "tanh x", "2σ(2x) − 1"), tuple(rows))


@ROOM.shows(
    "P0.6 C0.relu", "ReLU, its derivative, and the leaky kind",
    "It passes a gradient whole or not at all; the leaky kind always lets a hundredth through.",
)  # fmt: skip
def relu():
    return Beside((cr.pictures.activations("relu"), cr.pictures.activations("leaky_relu")))


@ROOM.shows(
    "C0.vanishing", "A gradient that vanishes",
    "Six sigmoids in a row: each multiplies by a quarter or less, and after six of them less than "
    "a four-thousandth is left.",
)  # fmt: skip
def vanishing():
    h = x = cr.tensor(0.5, name="x")
    for k in range(1, 7):
        h = cr.sigmoid(h).named(f"h{k}")
    return cr.draw(h, wrt=[x])


@ROOM.shows(
    "C0.saturation C0.dead", "Neurons that stop learning",
    "A sigmoid far out is flat: its local gradient is nearly 0. A ReLU below 0 is dead, its "
    "gradient is 0 for every weight; the leaky kind lets some through.",
)  # fmt: skip
def dead():
    w = cr.tensor(-2.0, name="w")
    flat = cr.sigmoid(w * 4.0).named("flat")
    shut = cr.relu(w * 4.0).named("shut")
    leak = cr.leaky_relu(w * 4.0).named("leaking")
    return cr.draw(flat), cr.draw(shut), cr.draw(leak)


def recurrent(w, u, x, y):
    """A recurrent network of one unit: the cost is taken at every step, the weights are shared."""

    def step(h, now):
        h = cr.tanh(w * h + u * now[0])
        return h, 0.5 * (h - now[1]) ** 2

    return cr.sum(cr.scan(step, 0.0, (x, y))[1])


@ROOM.shows(
    "P0.7", "A recurrent network, unrolled",
    "Each time step is a box with a cost of its own; the same two weights go into all of them, so "
    "their gradients are sums over time. Click a box to open or shut it.",
)  # fmt: skip
def unrolled():
    x, y = np.array([1.0, 0.5, -1.0]), np.array([0.3, 0.2, 0.1])
    return cr.draw(recurrent, 0.5, 1.2, x, y, wrt=["w", "u"],
                   fold=[f"loop 1, step {k}" for k in (1, 2, 3)])  # fmt: skip


@ROOM.shows(
    "C0.exploding C0.clip", "A gradient that explodes, and is clipped",
    "With a weight of 3 every step multiplies the gradient by 3; clipped to between −5 and 5, the "
    "step it causes stays short.",
)  # fmt: skip
def exploding():
    w = cr.tensor(3.0, name="w")
    h = cr.tensor(0.1, name="h0")
    for k in range(1, 6):
        h = (w * h).named(f"h{k}")
    found = cr.trace(h, [w]).gradients["w"]
    clip = cr.optim.clip_by_value(-5, 5)
    (clipped,), _ = clip.update([np.asarray(found)], None, None)
    return cr.draw(h, wrt=[w]), Table(
        ("gradient of w", "clipped to [−5, 5]"), ((six(found), six(clipped)),)
    )


@ROOM.shows(
    "C0.lstm", "Why an LSTM remembers",
    "Along the cell's state there is only a sum and a forget gate: the sum passes the gradient "
    "with factor 1, and the gate, never above 1, is all it meets: here 0.952574 for each step.",
)  # fmt: skip
def lstm():
    f = cr.sigmoid(cr.tensor(3.0, name="forget")).named("f")
    c = start = cr.tensor(1.0, name="c0")
    for k, new in enumerate((0.2, -0.1, 0.3), 1):
        c = (f * c + new).named(f"c{k}")
    return cr.draw(c, wrt=[start])
