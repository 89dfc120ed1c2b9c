"""Remembering the first of 30 inputs: a vanilla recurrent network, LSTM and GRU.

The weights are shared by all time steps, so dL/dW is a sum with a part for each step. The parts
are found by giving each step a copy of its own. Only the part of step 1 says what to remember.

python examples/experiments/memory.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr
from chainrule import nn, optim

TIME, HIDDEN = 30, 16
KEEP = 3.0  # added to the bias of the gate that keeps the state: σ(3) is 0.95, σ(0) is 0.5
CASES = {
    "RNN": (nn.RNN, 0.0), "LSTM": (nn.LSTM, 0.0), "GRU": (nn.GRU, 0.0),
    "LSTM that keeps": (nn.LSTM, KEEP), "GRU that keeps": (nn.GRU, KEEP),
}  # fmt: skip
LOSS = nn.losses.binary_cross_entropy_with_logits


def sequences(count, seed, time=TIME):
    """Rows of +1 and −1, and whether the first of each is +1."""
    x = np.random.default_rng(seed).choice([-1.0, 1.0], (count, time, 1)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.float32)


def network(cell, keep):
    """A recurrent layer, and an answer from its last state; in both, the second gate keeps."""
    rnn = cell(1, HIDDEN, batch_first=True, seed=1)
    if keep:
        bias = rnn.bias_ih_l0.value.copy()
        bias[HIDDEN : 2 * HIDDEN] += keep
        rnn = rnn.replace(bias_ih_l0=cr.tensor(bias))
    return nn.Sequential(rnn, lambda made: made[0][:, -1], nn.Linear(HIDDEN, 1), seed=2)


def parts(model, x, y):
    """For each time step its part of dL/dW: a layer of gradients."""
    rnn, _, answer = model

    def loss(copies):
        state = None
        for t, copy in enumerate(copies):
            h, state = copy(x[:, t : t + 1], state)
        return LOSS(answer(h[:, -1]), y)

    return cr.grad(loss)([rnn] * x.shape[1])


def shares(model, x, y):
    """How large each step's part is, as a share of all of them."""
    sizes = np.array([float(optim.global_norm(cr.tree_leaves(p))) for p in parts(model, x, y)])
    return sizes / sizes.sum()


@headed("network", "share of step 1", "of the last", "held-out loss", "right")
def experiment():
    """The shares before training, and what training makes of each network."""
    (X, y), test = sequences(2048, seed=0), sequences(512, seed=1)
    by_step, losses, rows = {}, {}, []
    for name, (cell, keep) in CASES.items():
        model = network(cell, keep)
        found = by_step[name] = shares(model, X[:64], y[:64])
        history = cr.fit(model, X, y, LOSS, optim.Adam(lr=0.01), epochs=5, batch_size=64,
                         validation=test, metrics="accuracy")  # fmt: skip
        losses[name] = history.val_loss
        rows.append((name, found[0], found[-1], history.val_loss[-1], history.val_accuracy[-1]))
    charts = (
        cr.pictures.lines(by_step, x="time step", y="share of dL/dW", log=True, ident="shares"),
        cr.pictures.lines(losses, x="epoch", y="held-out loss", ident="losses"),
    )
    picture = cr.pictures.beside(*charts, title=f"Remembering the first of {TIME} inputs")
    (*_, a), (*_, b), (*_, c), lstm, gru = rows
    drawn = [short(row[1], 1) for row in rows[:3]]
    sentence = (
        f"Of dL/dW the first step's part is {drawn[0]} in the RNN, {drawn[1]} and {drawn[2]} in "
        f"LSTM and GRU as they are drawn, {lstm[1]:.1%} and {gru[1]:.1%} where their gates begin "
        f"by keeping; those two are right in {lstm[4]:.0%} and {gru[4]:.0%} of new sequences, the "
        f"others in {a:.0%}, {b:.0%} and {c:.0%}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
