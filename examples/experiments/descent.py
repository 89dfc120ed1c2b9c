"""Gradient descent on one neuron, over many steps, and its path on the cost surface.

The neuron is w = (2, −3), b = −3 with the input (−1, −2) and the target 1.

python examples/experiments/descent.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr

X1, X2, TARGET = -1.0, -2.0, 1.0
START = (2.0, -3.0, -3.0)
SHOWN = (0, 1, 2, 5, 10, 100, 1000)


def answer(w1, w2, b):
    """The neuron's answer."""
    return cr.sigmoid(w1 * X1 + w2 * X2 + b)


def cost(w1, w2, b):
    """Half its squared distance from the target."""
    return 0.5 * (TARGET - answer(w1, w2, b)) ** 2


def descended(steps, lr=1.0):
    """The weights and the bias before the first step and after each."""
    p, way = np.array(START), []
    slope = cr.grad(cost, argnums=(0, 1, 2))
    for _ in range(steps + 1):
        way.append(p)
        p = p - lr * np.array(slope(*p))
    return np.array(way)


@headed("step", "w₁", "w₂", "b", "answer", "cost")
def experiment():
    """A thousand steps of all three numbers, and the path of the weights alone."""
    way = descended(SHOWN[-1])
    costs = [float(cost(*p)) for p in way]
    rows = [(k, *map(float, way[k]), float(answer(*way[k])), costs[k]) for k in SHOWN]
    picture = cr.pictures.beside(
        cr.pictures.descent(lambda w1, w2: cost(w1, w2, START[2]), START[:2], steps=100, lr=1.0,
                            low=(1.0, -4.5), high=(3.0, -2.5), names=("w₁", "w₂ (b stays −3)")),
        cr.pictures.lines({"all three move": costs[1:]}, x="step", y="cost", log=True, log_x=True,
                          title="The cost", ident="cost"),
        title="A neuron goes downhill",
    )  # fmt: skip
    steps, *_, a, c = rows[-1]
    first = ", ".join(short(p, 4) for p in rows[1][1:4])
    sentence = (
        f"The first step takes (w₁, w₂, b) to ({first}) and the cost from {rows[0][5]:.6f} to "
        f"{rows[1][5]:.6f}; after {steps} steps it is {short(c, 2)}, and the answer has come from "
        f"{rows[0][4]:.2f} over {rows[1][4]:.2f} to {a:.3f}, on a straight line, since every "
        f"gradient is a multiple of the one input."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
