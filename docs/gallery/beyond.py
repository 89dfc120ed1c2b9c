"""What is in none of the articles: nothing here is canned, any function gives these pictures."""

import numpy as np
from exhibit import Beside, Room, Table, Told, command

import chainrule as cr
from chainrule.train.data.datasets import spiral


def rosenbrock(x, y):
    """A curved valley, whose lowest point is (1, 1)."""
    return (1.0 - x) ** 2 + 2.0 * (y - x**2) ** 2


def attention():
    """One attention head over three tokens, and how far its output is from a target."""
    rng = np.random.default_rng(4)

    def drawn(name, *shape):
        return cr.tensor(np.round(rng.normal(size=shape), 1), name=name)

    X, Wq, Wk, Wv = drawn("X", 3, 2), drawn("Wq", 2, 2), drawn("Wk", 2, 2), drawn("Wv", 2, 2)
    Q, K, V = (X @ Wq).named("Q"), (X @ Wk).named("K"), (X @ Wv).named("V")
    P = cr.softmax(Q @ K.T / np.sqrt(2.0)).named("P")
    Y = (P @ V).named("Y")
    return cr.mean(Y**2).named("L"), [Wq, Wk, Wv]


def softmax_loss():
    """The cross-entropy of three classes, the second of which is right."""
    z = cr.tensor([2.0, 1.0, -1.0], name="z")
    t = cr.tensor([0.0, 1.0, 0.0], name="t")
    p = cr.softmax(z).named("p")
    return (-cr.sum(t * cr.log(p))).named("L"), z


def gru_step():
    """One step of a gated recurrent unit with a single number as its state."""
    x, h = cr.tensor(0.8, name="x"), cr.tensor(-0.4, name="h")
    wz, wr, wn = (cr.tensor(v, name=n) for n, v in (("wz", 1.5), ("wr", -0.5), ("wn", 2.0)))
    z = cr.sigmoid(wz * x + h).named("z")
    r = cr.sigmoid(wr * x + h).named("r")
    n = cr.tanh(wn * x + r * h).named("n")
    new = ((1.0 - z) * n + z * h).named("new")
    return ((new - 0.5) ** 2).named("L"), [wz, wr, wn]


def residual():
    """A residual block: what goes in is added to what the block makes of it."""
    x = cr.tensor([[0.5, -1.0]], name="x")
    W = cr.tensor([[0.4, -0.2], [0.1, 0.7]], name="W")
    V = cr.tensor([[-0.3, 0.6], [0.8, 0.2]], name="V")
    h = (x + cr.relu(x @ W) @ V).named("h")
    return cr.sum(h**2).named("L"), [x, W, V]


ROOM = Room(
    "beyond", "In none of the articles",
    "An attention head, a gated recurrent step, a residual block, a curved valley: the same calls "
    "on functions that no article has. Put your own in their place.",
    "Beyond the articles", (rosenbrock, attention, softmax_loss, gru_step, residual),
)  # fmt: skip


@ROOM.shows("draw", "An attention head, drawn", "Every product of matrices says what it does to "
            "a gradient; point at a node to read its card.")  # fmt: skip
def head():
    L, weights = attention()
    return cr.draw(L, wrt=weights)


@ROOM.shows("derive", "Softmax and cross-entropy, derived", "Three classes, from the logits to "
            "the gradient; the numbers come to p − t.")  # fmt: skip
def three_classes():
    L, z = softmax_loss()
    return cr.derive(L, wrt=z)


@ROOM.shows("animate trace", "A step of a gated recurrent unit, played", "Two gates, one "
            "candidate, one state: where the gradients meet they add up.")  # fmt: skip
def gated():
    L, weights = gru_step()
    return cr.animate(L, wrt=weights, lr=0.5)


@ROOM.shows("code", "A residual block, drawn and as code", "The way round the block carries the "
            "gradient past it: x_g is a sum of two parts.")  # fmt: skip
def block():
    L, leaves = residual()
    return cr.draw(L), cr.code(L, leaves)


@ROOM.shows("paths", "A residual block, path by path", "Two ways lead from x to the loss, through "
            "the block and round it: their products add up to the gradient.")  # fmt: skip
def every_path():
    L, (x, _, _) = residual()
    return cr.paths(L, wrt=x)


@ROOM.shows("descent", "A curved valley, step by step", "The function of Rosenbrock, made milder: "
            "first straight down, then along the floor of the valley, more slowly.")  # fmt: skip
def valley():
    return cr.pictures.descent(rosenbrock, (-1.0, 1.5), lr=0.05, steps=40)


@ROOM.shows("compare", "A curved valley, three ways to its slope", "Differences, algebra and "
            "backpropagation, as the number of terms grows.", steady=False)  # fmt: skip
def three_ways():
    return cr.pictures.comparison(cr.compare(rosenbrock, -1.0, 1.5))


@ROOM.shows("practice", "A curved valley, as an exercise", "Questions, hints and a check made of "
            "any function.")  # fmt: skip
def asked():
    x, y = cr.tensor(-1.0, name="x"), cr.tensor(1.5, name="y")
    L = rosenbrock(x, y).named("L")
    sample = cr.practice(L, count=5, seed=3)
    formula = cr.practice(L, wrt=y, kinds="formula", count=1)[0]
    typed = ("4*(y - x**2)", "4*y - 4*x**2", "-4*(y - x**2)", "2*(y - x**2)")
    return sample, Table((f"answers to: {formula.question}", "verdict"),
                         tuple((a, str(formula.check(a))) for a in typed))  # fmt: skip


@ROOM.shows("mirror", "A mirror for a batch", "Three examples in rows, tanh and ReLU, biases, a "
            "mean squared error: the formulas below change with the convention.")  # fmt: skip
def batch():
    layers = cr.nn.Sequential(
        cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 2), cr.nn.ReLU(), cr.nn.Linear(2, 2),
        seed=3,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=s).round(1).astype(np.float32) for s in ((3, 2), (3, 2)))
    return cr.draw(layers, x, y, loss="mse", style="mirror")


@ROOM.shows("network", "A wide network, folded", "Of wide layers the first and the last neurons "
            "are drawn; as a graph, layers are boxes that open and shut.")  # fmt: skip
def wide():
    model = cr.nn.Sequential(cr.nn.Linear(64, 32), cr.nn.ReLU(), cr.nn.Linear(32, 10), seed=0)
    x = np.linspace(0.0, 1.0, 64, dtype=np.float32)[None]
    boxes = cr.draw(model, x, np.array([3]), loss="cross_entropy", fold=True)
    return cr.pictures.network(model, x[0]), boxes


@ROOM.shows("training", "A spiral, learned", "Two arms wound round each other: the answer, the "
            "hidden space in which one straight cut parts them, and the loss.",
            steady=False)  # fmt: skip
def spiral_learned():
    X, y = spiral(600)
    model = cr.nn.Sequential(
        cr.nn.Linear(2, 24), cr.nn.Tanh(), cr.nn.Linear(24, 16), cr.nn.Tanh(),
        cr.nn.Linear(16, 2), cr.nn.Tanh(), cr.nn.Linear(2, 1), seed=2,
    )  # fmt: skip
    history = cr.fit(model, X, y, loss="binary_cross_entropy_with_logits", epochs=150,
                     optimizer=cr.optim.Adam(lr=0.01), record=24)  # fmt: skip
    return cr.pictures.training(history, ["output", "hidden", "loss"])


@ROOM.shows("activations", "Every activation, and one of your own", "The catalogue at one glance, "
            "and x · σ(2x), which is not in it.")  # fmt: skip
def all_activations():
    return cr.pictures.activations(), cr.pictures.activations(lambda x: x * cr.sigmoid(2 * x))


@ROOM.shows("nudge", "A nudge that goes two ways", "x · tanh(x): what is used twice moves what "
            "comes after it along both ways.")  # fmt: skip
def two_ways():
    return cr.pictures.nudge(lambda x: x * cr.tanh(x), 0.7)


@ROOM.shows("style", "Another look, and other languages", "The records of micrograd, and the text "
            "that Mermaid and Graphviz draw.")  # fmt: skip
def looks():
    x, y = cr.tensor(3.0, name="x"), cr.tensor(-2.0, name="y")
    L = cr.exp(x * y).named("e") + x
    return cr.draw(L, style="micrograd"), Beside((Told(cr.draw(L).mermaid()),
                                                  Told(cr.draw(L).dot())))  # fmt: skip


@ROOM.shows("kink", "A point without a derivative", "At a kink there is none; it is marked, and "
            "it is said what is taken in its place.")  # fmt: skip
def kink():
    v = cr.tensor(0.0, name="v")
    r = cr.relu(v).named("r")
    return cr.draw(r), cr.derive(r, wrt=v)


@ROOM.shows("command", "A file with a function, from the command line", "chainrule explain takes "
            "an expression, a function in a file, or a saved run.")  # fmt: skip
def from_a_file():
    return command("chainrule explain examples/elegant.py:chain --paths")
