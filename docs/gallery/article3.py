"""Article 3: a classifier of three weight matrices, and its backward pass as a mirror image."""

import numpy as np
from exhibit import Beside, Printed, Room, Table, six

import chainrule as cr
from chainrule.train.data.datasets import circles, moons


def classifier():
    """2 → 3 → 3 → 1 with sigmoids and no biases; scaled so that it says 0.55 where 1 is right."""

    def layer(n, m):
        return cr.nn.Linear(n, m, bias=False, dtype=np.float64)

    model = cr.nn.Sequential(
        layer(2, 3), cr.nn.Sigmoid(), layer(3, 3), cr.nn.Sigmoid(), layer(3, 1), cr.nn.Sigmoid(),
        seed=1,
    )  # fmt: skip
    x, t = np.array([1.0, -2.0]), 1.0
    H2 = cr.nn.Sequential(*list(model)[:-2])(x).value
    state = model.state_dict()
    W3 = state["4.weight"]
    state["4.weight"] = W3 + (np.log(0.55 / 0.45) - W3 @ H2) * H2 / (H2 @ H2)
    return model.load_state_dict(state), x, t


ROOM = Room(
    "elegant", "Forward and backward, mirror images",
    "Three weight matrices, two hidden layers, one answer: the backward pass is a feedforward of "
    "its own, through the same matrices turned over.",
    "After “What makes backpropagation so elegant?”", (classifier,),
)  # fmt: skip


@ROOM.shows(
    "P3.1 C3.vector", "The whole of backpropagation",
    "Feedforward, the loss, δ₃, δ₂, δ₁, the change of every weight, and the answer after it: all "
    "updates together are one step of gradient descent on one long vector of weights.",
)  # fmt: skip
def hero():
    model, x, t = classifier()
    return cr.animate(model, x, t, "binary_cross_entropy", lr=0.5)


@ROOM.shows(
    "P3.2", "A network learns, seen twice",
    "Left what it answers everywhere, right where its last hidden layer puts the points: there "
    "one straight cut has to part them.", steady=False,
)  # fmt: skip
def learns():
    X, y = moons(400)
    model = cr.nn.Sequential(cr.nn.Linear(2, 8), cr.nn.Tanh(), cr.nn.Linear(8, 2), cr.nn.Tanh(),
                             cr.nn.Linear(2, 1), seed=7)  # fmt: skip
    history = cr.fit(model, X, y, loss="binary_cross_entropy_with_logits", epochs=40,
                     optimizer=cr.optim.Adam(lr=0.03), record=20)  # fmt: skip
    return cr.pictures.training(history, ["output", "hidden"])


@ROOM.shows(
    "P3.3", "The perceptron",
    "One step from near, then a whole learning: the scaled input is added to the weight vector "
    "(orange) or subtracted from it, and the dot product grows or shrinks.",
)  # fmt: skip
def perceptron():
    start = cr.nn.Perceptron(2, lr=0.5).replace(weight=cr.tensor([-1.0, 0.5]))
    step = cr.pictures.perceptron([1.0, 2.0], [1], model=start)
    points = [[2.0, 1.0], [1.0, 2.5], [2.5, 2.0], [-1.0, 0.5], [-2.0, -1.0], [0.5, -2.0]]
    return step, cr.pictures.perceptron(points, [1, 1, 1, 0, 0, 0], model=start)


@ROOM.shows(
    "P3.4", "Feedforward",
    "Matrix times vector, activation, and again, until y = 0.55 stands at the end.",
)  # fmt: skip
def feedforward():
    model, x, _ = classifier()
    return cr.pictures.feedforward(model, x)


@ROOM.shows(
    "P3.5", "The cross-entropy",
    "−log y where the target is 1, −log(1 − y) where it is 0, and one formula that joins both.",
)  # fmt: skip
def cross_entropy():
    return Beside((cr.pictures.cross_entropy(0.55, 1), cr.pictures.cross_entropy(0.55, 0)))


@ROOM.shows(
    "P3.6", "sin(x²): the chain rule as motion",
    "A nudge dx becomes du, du becomes dv; the smaller the nudge, the closer their ratio comes to "
    "cos(x²) · 2x.",
)  # fmt: skip
def nudge():
    x = cr.tensor(1.5, name="x")
    u = (x**2).named("u")
    moved = cr.pictures.nudge(lambda x: cr.sin(x**2), 1.5)
    return moved, cr.derive(cr.sin(u).named("v"), wrt=x)


@ROOM.shows(
    "P3.4 P3.7 N3", "The end of the network: δ₃ = y − t = −0.45",
    "The slope of the loss, −1.8182, times the slope of the sigmoid, 0.2475: exactly −0.45.",
)  # fmt: skip
def the_end():
    z = cr.tensor(np.log(0.55 / 0.45), name="Z3")
    y = cr.sigmoid(z).named("y")
    t = cr.tensor(1.0, name="t")
    L = (-(t * cr.log(y) + (1.0 - t) * cr.log(1.0 - y))).named("L")
    found = cr.trace(L, [z])
    rows = (("y", "0.55", six(found["y"].value)), ("L", "0.5978", six(L.item())),
            ("∂L/∂y", "−1.8182", six(found["y"].upstream)),
            ("σ′(Z₃)", "0.2475", six(found["y"].operands[0].local)),
            ("δ₃ = ∂L/∂Z₃", "−0.45", six(found.gradients["Z3"])))  # fmt: skip
    drawn = cr.draw((-cr.log(y)).named("L"), wrt=[z])
    return drawn, Table(("number", "printed", "exactly"), rows)


@ROOM.shows(
    "P3.7 C3.delta", "dW₃ = δ₃ H₂, and the update of W₃",
    "δ is the derivative of the loss by a neuron's input; times what the weight carried it is the "
    "change of the weight.",
)  # fmt: skip
def last_layer():
    model, x, t = classifier()
    return cr.pictures.weight_update(model, x, t, "binary_cross_entropy", layer=3)


@ROOM.shows(
    "P3.8", "dW₂, neuron by neuron, then as one matrix",
    "Each neuron of layer 2 has its δ; times what the layer before said, it is the change of the "
    "weights that lead to it.",
)  # fmt: skip
def middle_layer():
    model, x, t = classifier()
    return cr.pictures.weight_update(model, x, t, "binary_cross_entropy", layer=2, rows=True)


@ROOM.shows(
    "P3.8 P3.9 C3.voting", "δ₂, δ₁: a feedforward in the other direction",
    "δ₂ = δ₃W₃ ⊙ σ′(Z₂) and δ₁ = δ₂W₂ ⊙ σ′(Z₁), where ⊙ multiplies element by element. Forward, "
    "W says how each neuron votes on the next; backward, how much of the blame it has to take.",
)  # fmt: skip
def deltas():
    model, x, t = classifier()
    return cr.pictures.mirror(model, x, t, "binary_cross_entropy", rows=True)


@ROOM.shows(
    "P3.10", "dW₁ as one matrix product",
    "All update vectors of the first layer at once.",
)  # fmt: skip
def first_layer():
    model, x, t = classifier()
    return cr.pictures.weight_update(model, x, t, "binary_cross_entropy", layer=1)


@ROOM.shows(
    "P3.11", "What every neuron makes of the plane",
    "Hidden layer 1 at the left, hidden layer 2 in the middle, the answer at the right, while the "
    "network learns.", steady=False,
)  # fmt: skip
def landscapes():
    X, y = circles(400)
    model = cr.nn.Sequential(cr.nn.Linear(2, 6), cr.nn.Tanh(), cr.nn.Linear(6, 2), cr.nn.Tanh(),
                             cr.nn.Linear(2, 1), seed=4)  # fmt: skip
    history = cr.fit(model, X, y, loss="binary_cross_entropy_with_logits", epochs=40,
                     optimizer=cr.optim.Adam(lr=0.03), record=20)  # fmt: skip
    return cr.pictures.training(history, ["units", "output"])


@ROOM.shows(
    "P3.12", "Feedforward left, backpropagation right",
    "The same matrices, each turned at its diagonal on the way over.",
)  # fmt: skip
def mirror():
    model, x, t = classifier()
    return cr.draw(model, x, t, loss="binary_cross_entropy", style="mirror")


@ROOM.shows(
    "C3.flat", "Flat sigmoids, dead ReLUs",
    "The slopes a δ is multiplied with on its way down: at 6 from the middle a sigmoid lets 0.25 % "
    "through, a ReLU below 0 nothing.",
)  # fmt: skip
def flat():
    places = (-6.0, -2.0, 0.5, 2.0, 6.0)
    rows = tuple(
        (f"{z:g}".replace("-", "−"), six(cr.grad(cr.sigmoid)(z)), six(cr.grad(cr.relu)(z)))
        for z in places
    )
    return Table(("weighted sum z", "σ′(z)", "ReLU′(z)"), rows)


@ROOM.shows(
    "X3", "What the article leaves out",
    "Its formulas are for one example in a row and have no biases.",
)  # fmt: skip
def left_out():
    _, x, t = classifier()
    layer = cr.nn.Linear(2, 1, dtype=np.float64)
    y = cr.sigmoid(layer(x))
    cr.nn.losses.binary_cross_entropy(y, np.array([t])).backward()
    return (
        Printed("the bias", "not mentioned", f"db = δ: {six(layer.bias.grad[0])}",
                f"its input is always 1; y − t is {six(y.value[0] - t)}"),
        Printed("W₃ in δ₂", "δ₃W₃", "W₃ᵀδ₃ for columns",
                "the same numbers: rows and columns are a matter of writing"),
    )  # fmt: skip
