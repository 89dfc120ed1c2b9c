"""Article 2: two layers and a mean squared error, derived line by line."""

import numpy as np
from exhibit import Formulas, Printed, Room, Table, command

import chainrule as cr
from chainrule.read.plain import plain


def two_layers():
    """Affine, ReLU, affine, mean squared error, for N = 3 samples of two features."""
    x = cr.tensor([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]], name="x")
    y = cr.tensor([[1.0], [0.0], [2.0]], name="y")
    w1 = cr.tensor([[0.5, -0.25, 0.75, 1.0], [0.25, 0.5, -1.0, 0.5]], name="w1")
    b1 = cr.tensor([0.0, 0.5, 0.25, -0.5], name="b1")
    w2, b2 = cr.tensor([[0.5], [-0.5], [0.25], [1.0]], name="w2"), cr.tensor(0.5, name="b2")
    u1 = (x @ w1 + b1).named("u1")
    u2 = cr.relu(u1).named("u2")
    u3 = (u2 @ w2 + b2).named("u3")
    u4 = (y - u3).named("u4")
    u5 = (u4**2).named("u5")
    return cr.mean(u5).named("MSE"), {"w1": w1, "b1": b1, "w2": w2, "b2": b2, "x": x}


ROOM = Room(
    "two-layers", "Two layers on paper",
    "An affine layer, a ReLU, an affine layer, a mean squared error: the derivation that one "
    "writes by hand, with every line, every transpose and every sum accounted for.",
    "After “Backpropagation in English words”", (two_layers,),
)  # fmt: skip


@ROOM.shows(
    "P2.1", "The network, and its computation",
    "As neurons and weights, and as the operations that run.",
)  # fmt: skip
def network():
    MSE, p = two_layers()
    weights = [p["w1"].value, p["b1"].value, cr.relu, p["w2"].value, [0.5]]
    return cr.pictures.network(weights, [1.0, 2.0], [1.0], "mse"), cr.draw(MSE, fold=False)


@ROOM.shows(
    "P2.2", "To warm up: y = 3u, u = 7 + x²",
    "Two factors, dy/du · du/dx = 3 · 2x = 6x.",
)  # fmt: skip
def warm_up():
    x = cr.tensor(2.0, name="x")
    u = (7.0 + x**2).named("u")
    return cr.derive((3.0 * u).named("y"), wrt=x)


@ROOM.shows(
    "P2.3", "The formulas: one sample, then three, then N",
    "For one sample with half its squared error; for three the sum stands at full length; for N "
    "it is a Σ, in two ways of writing.",
)  # fmt: skip
def formulas():
    def loss(count):
        w1, b1, w2, b2 = (cr.tensor(0.5, name=n) for n in ("w1", "b1", "w2", "b2"))
        xs = [cr.tensor(float(k), name=f"x{k}") for k in range(1, count + 1)]
        ys = [cr.tensor(1.0, name=f"y{k}") for k in range(1, count + 1)]
        errors = [(y - (cr.maximum(0.0, x * w1 + b1) * w2 + b2)) ** 2
                  for x, y in zip(xs, ys, strict=True)]  # fmt: skip
        return sum(errors[1:], errors[0]) / (2 if count == 1 else count), w1

    def first(L, w, **form):
        return cr.derive(L, wrt=w, **form).section("rewriting")[0].right

    MSE, p = two_layers()
    one, three = (first(*loss(n)) for n in (1, 3))
    matrix, index = (first(MSE, p["w1"], sizes={3: "N"}, form=f) for f in ("matrix", "index"))
    return Formulas(
        (
            ("one sample", one),
            ("three samples", three),
            ("N samples, with Σ", index),
            ("N samples, in matrices", matrix),
        )
    )


@ROOM.shows(
    "P2.4", "Substitution: u₁ to u₅, and the MSE line by line",
    "Each part gets a name; the formula of the loss shrinks with every line.",
)  # fmt: skip
def substitution():
    MSE, p = two_layers()
    found = cr.derive(MSE, wrt=p["w1"], form="index", sizes={3: "N"})
    return found.section("substitution"), found.section("rewriting")


@ROOM.shows(
    "P2.5", "The chain rule",
    "One factor for each step of the way from the loss to w₁.",
)  # fmt: skip
def chain():
    MSE, p = two_layers()
    return cr.derive(MSE, wrt=p["w1"], sizes={3: "N"}).section("chain rule")


@ROOM.shows(
    "P2.6 C2.relu", "The table of local gradients",
    "2u₄, −1, w₂ᵀ, 0 or 1, xᵀ: with the shapes, and with the numbers of this network. At exactly 0 "
    "the gradient of the ReLU is taken as 0.",
)  # fmt: skip
def local_gradients():
    MSE, p = two_layers()
    return cr.derive(MSE, wrt=p["w1"], sizes={3: "N"}).section("local gradients")


@ROOM.shows(
    "P2.7", "Back-substitution, to one formula",
    "The last u is replaced first; at the end the error gets a name. The case of the ReLU depends "
    "on the sample, so it stays inside the sum.",
)  # fmt: skip
def expansion():
    MSE, p = two_layers()
    found = cr.derive(MSE, wrt=p["w1"], form="index", sizes={3: "N"})
    return found.section("back-substitution"), found.section("simplification")


@ROOM.shows(
    "P2.8 C2.transposes", "Running products: u₄_g, u₃_g, …",
    "Each is the one before times one factor more. Below each line it says why this transpose, "
    "and why this sum.",
)  # fmt: skip
def running_products():
    MSE, p = two_layers()
    return cr.derive(MSE, wrt=p["w1"], sizes={3: "N"}).section("running products")


@ROOM.shows(
    "P2.9 C2.sum", "The mathematics, and the same as code",
    "The same backward pass line by line as code that runs by itself, with shapes in comments.",
)  # fmt: skip
def code():
    MSE, p = two_layers()
    wrt = [p[k] for k in ("w1", "b1", "w2", "b2")]
    return cr.derive(MSE, wrt=wrt, sizes={3: "N"}).section("running products"), cr.code(MSE, wrt)


@ROOM.shows(
    "P2.10", "The exercise, solved",
    "The gradients with respect to b₁, x, w₂ and b₂, in one derivation.",
)  # fmt: skip
def answers():
    MSE, p = two_layers()
    wrt = [p[k] for k in ("b1", "x", "w2", "b2")]
    return cr.derive(MSE, wrt=wrt, form="index", sizes={3: "N"}).section("simplification")


@ROOM.shows(
    "P2.10", "The exercise, set",
    "Any function gives exercises. What is checked is what an answer comes to, not how it is "
    "written; a wrong sign or a missing transpose is told as such. Open the hints.",
)  # fmt: skip
def exercises():
    MSE, p = two_layers()
    sample = cr.practice(MSE, wrt=p["w1"], kinds=["formula", "code"], count=2)
    typed = ("2/3 * x.T @ ((u3 - y) @ w2.T * (u1 > 0))",
             "-2/3 * x.T @ ((u3 - y) @ w2.T * (u1 > 0))",
             "2/3 * x @ ((u3 - y) @ w2.T * (u1 > 0))")  # fmt: skip
    formula = next(e for e in sample if e.kind == "formula")
    return sample, Table(
        (f"answers to: {formula.question}", "verdict"),
        tuple((a, str(formula.check(a))) for a in typed),
    )


@ROOM.shows(
    "C2.reuse", "What b₁ shares with w₁",
    "The gradient at u₁, δ, serves both: it is computed once.",
)  # fmt: skip
def reuse():
    MSE, p = two_layers()
    return cr.derive(MSE, wrt=[p["w1"], p["b1"]], sizes={3: "N"}).section("delta")


@ROOM.shows(
    "X2.typos X2.cases X2.order X2.names X2.code", "What the article prints, and what is right",
    "Each right side is the program's; the numbers are those of this network.",
)  # fmt: skip
def slips():
    MSE, p = two_layers()
    closed = {
        c.name: plain(c.tex)
        for c in cr.derive(MSE, wrt=list(p.values()), form="index", sizes={3: "N"}).closed
    }
    MSE.backward()
    x, w1, b1, w2, b2 = (p[k].value for k in ("x", "w1", "b1", "w2", "b2"))
    y = np.array([[1.0], [0.0], [2.0]])
    e = np.maximum(0.0, x @ w1 + b1) @ w2 + b2 - y
    outside = 2 / 3 * x.T @ (e @ w2.T)
    off = np.abs(outside - p["w1"].grad).max()
    whole = cr.derive(MSE, wrt=p["w1"], sizes={3: "N"})
    matrix = plain(whole.closed[0].tex)
    l1_g = e @ w2.T * (x @ w1 + b1 > 0)
    one = 2 / 3 * (l1_g[:, :1] * x[:, :1]).sum()
    last = float(p["b2"].grad)
    return (
        Printed("the square", "du^5", plain(whole.section("chain rule")[0].right),
                "the names count, no power is meant"),
        Printed("∂MSE/∂b₂", "Σ max(0, …) w₂ + b₂ − y", closed["b2"],
                f"brackets: without them the sum ends before + b₂; here it is {last:.4f}"),
        Printed("the case u₁ > 0", "in front of the sum", closed["w1"],
                f"it depends on i; in front of the sum the gradient is off by up to {off:.4f}"),
        Printed("the order of factors", "eᵢ w₂ᵀ xᵢᵀ", matrix,
                "1×4 times 2×1 does not chain; xᵀ comes first: 2×3 times 3×4"),
        Printed("l2.g", "the gradient of l2", "l1_g = l2_g @ w2.T in cr.code",
                "the printed names are shifted by one: they name the gradient that goes down"),
        Printed("gradient of u₄", "du₅/du₄ = 2u₄", "u₄_g = ∂MSE/∂u₄ = 2 u₅_g ⊙ u₄",
                "what is meant there is the local gradient; the gradient at u₄ is the product"),
        Printed("w1.g in the comments", "l1.g @ x", "x.T @ l1_g",
                f"{l1_g.shape} times {x.shape} does not chain; {x.T.shape} and {l1_g.shape} do"),
        Printed("w1.g", "(l1.g * x).sum()", "x.T @ l1_g",
                f"right with one feature and one unit only ({one:.4f}); without an axis it adds up "
                "everything"),
    )  # fmt: skip


@ROOM.shows(
    "P2.9", "The same from the command line",
    "Of a function in a Python file: its code, its derivation, its exercises.",
)  # fmt: skip
def terminal():
    return command("chainrule explain examples/two_layer.py:loss --code=torch --wrt w1")
