"""Exploding gradients: a recurrent network over 100 time steps, and two ways to clip.

The recurrent weights are orthogonal times 1.1, or times 2.5 where a tanh works against them, so
every step back lengthens the gradient. The task is to say what came in three steps ago.

python examples/experiments/exploding.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr
from chainrule import nn, optim

TIME, HIDDEN = 100, 24
X = np.random.default_rng(0).uniform(-1, 1, (TIME, 16, 1)).astype(np.float32)
Y = np.concatenate([np.zeros_like(X[:3]), X[:-3]])
CLIPS = {
    "no clipping": optim.SGD(lr=0.01),
    "by value": optim.chain(optim.clip_by_value(-5, 5), optim.SGD(lr=0.01)),
    "by norm": optim.chain(optim.clip_by_norm(5), optim.SGD(lr=0.01)),
}


def network(nonlinearity, factor):
    """A recurrent layer with these recurrent weights, and a linear one for the answers."""
    rng = np.random.default_rng(2)
    weight = factor * nn.init.orthogonal(rng, (HIDDEN, HIDDEN))
    rnn = nn.RNN(1, HIDDEN, nonlinearity=nonlinearity, seed=1)
    rnn = rnn.replace(weight_hh_l0=cr.tensor(weight.astype(np.float32)))
    return nn.Sequential(rnn, lambda made: made[0], nn.Linear(HIDDEN, 1), seed=2)


def loss(model):
    """The mean squared error of all answers: there is a cost at every time step."""
    return nn.losses.mse(model(X), Y)


def trained(model, optimizer, steps=150):
    """The norm of the gradient before it is clipped, and the loss, step by step."""
    state, norms, losses = optimizer.init(model), [], []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            value, gradient = cr.value_and_grad(loss)(model)
            norms.append(float(optim.global_norm(cr.tree_leaves(gradient))))
            losses.append(float(value))
            updates, state = optimizer.update(gradient, state, model)
            model = optim.apply_updates(model, updates)
    return norms, losses


@headed("network", "clipping", "first norm", "finite steps", "first loss", "loss after 150")
def experiment():
    """A linear network, and one of tanh, each without clipping and with two kinds of it."""
    rows, charts = [], []
    for kind, factor in (("identity", 1.1), ("tanh", 2.5)):
        norms = {}
        for name, optimizer in CLIPS.items():
            norms[name], losses = trained(network(kind, factor), optimizer)
            finite = int(np.isfinite(losses).sum())
            rows.append((kind, name, norms[name][0], finite, losses[0], losses[-1]))
        charts.append(cr.pictures.lines(
            norms, x="step", y="norm of the gradient", log=True, ident=kind,
            title=f"{kind}, recurrent weights × {factor}"))  # fmt: skip
    picture = cr.pictures.beside(*charts, title=f"A gradient through {TIME} time steps")
    free, value, norm, deep, *deep_clipped = rows
    ends = " and ".join(f"{row[5]:.2f}" for row in deep_clipped)
    sentence = (
        f"The first gradient of the linear network has the norm {short(free[2], 2)}, and without "
        f"clipping {free[3]} of 150 losses is finite; clipped to [−5, 5] by value the loss falls "
        f"from {short(value[4], 2)} to {value[5]:.3f}, by norm to {norm[5]:.3f}; the first "
        f"gradient of the tanh network is {short(deep[2], 2)}, and clipping does not cure that: "
        f"its losses end at {ends}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
