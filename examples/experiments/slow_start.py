"""A neuron that is surely wrong: quadratic cost against cross-entropy.

The gradient of the quadratic cost has the factor σ′(z), which is next to nothing where the
neuron is sure; the cross-entropy divides it away.

python examples/experiments/slow_start.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr
from chainrule.nn import losses

X, TARGET = np.array([-1.0, -2.0]), np.array(1.0)
STARTS = {"nearly right": [2.0, -3.0, -3.0], "surely wrong": [-2.0, 3.0, -3.0]}  # w₁, w₂, b


def quadratic(p):
    """Half the squared distance of the answer from the target."""
    return losses.mse(answer(p), TARGET, half=True)


def cross_entropy(p):
    """−log of the answer, as the target is 1."""
    return losses.binary_cross_entropy(answer(p), TARGET)


def answer(p):
    """The neuron's answer, from its two weights and its bias."""
    return cr.sigmoid(cr.sum(p[:2] * X) + p[2])


def learned(cost, start, steps=300, lr=1.0):
    """The answers of gradient descent, from that before the first step on."""
    p, answers = np.array(start), []
    slope = cr.grad(cost)
    for _ in range(steps + 1):
        answers.append(float(answer(p)))
        p = p - lr * slope(p)
    return answers


def until(answers, level):
    """The first step after which the answer is above `level`; − where there is none."""
    return next((k for k, a in enumerate(answers) if a > level), "−")


@headed("start", "cost", "answer", "first gradient", "above ½ after", "above 0.9 after")
def experiment():
    """Both costs from both starts."""
    rows, curves = [], {}
    for where, start in STARTS.items():
        for cost in (quadratic, cross_entropy):
            name = cost.__name__.replace("_", "-")
            found = curves[f"{name}, {where}"] = learned(cost, start)
            pull = np.linalg.norm(cr.grad(cost)(np.array(start)))
            rows.append((where, name, found[0], pull, until(found, 0.5), until(found, 0.9)))
    steps = np.arange(len(found))
    picture = cr.pictures.lines(
        {name: (steps, found) for name, found in curves.items()}, x="step",
        y="answer (the target is 1)", title="Two costs, two starts",
    )  # fmt: skip
    near, nearer, slow, fast = rows
    sentence = (
        f"Starting at {short(slow[2], 2)}, where 1 is wanted, the neuron is above ½ after "
        f"{slow[4]} steps on the quadratic cost and after {fast[4]} on the cross-entropy: the "
        f"first gradient is {short(slow[3], 2)} long on the one, {short(fast[3])} on the other; "
        f"from {near[2]:.2f} both reach 0.9, after {near[5]} and {nearer[5]} steps."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
