"""Dying ReLUs: killed by one large step or by a bias far below 0; a leaky ReLU comes back.

python examples/experiments/dying.py
"""

import numpy as np
from experiment import headed, short, tell

import chainrule as cr
from chainrule import nn

UNITS, RATE = 32, 10.0  # the loss is a mean over the units: this is 10/32 for each of them
CASES = {  # activation, the bias that all units start with, the rate of the first step
    "ReLU": (nn.ReLU(), 0.0, RATE),
    "ReLU, a large step": (nn.ReLU(), 0.0, 30 * RATE),
    "ReLU, a bad bias": (nn.ReLU(), -3.0, RATE),
    "leaky ReLU, a large step": (nn.LeakyReLU(0.1), 0.0, 30 * RATE),
    "leaky ReLU, a bad bias": (nn.LeakyReLU(0.1), -3.0, RATE),
}
X = np.random.default_rng(0).uniform(-1, 1, (256, 2))
Y = nn.Sequential(nn.Linear(2, UNITS), nn.ReLU(), seed=7)(X).value  # neurons to be imitated


def dead(model):
    """The share of units whose weighted sum is above 0 for none of the examples."""
    return float(np.mean(~(model[0](X).value > 0).any(axis=0)))


def trained(activation, bias, first, epochs=600):
    """The epochs, the share of dead units after each, and the losses."""
    model = nn.Sequential(nn.Linear(2, UNITS), activation, seed=3)
    model = model.load_state_dict({**model.state_dict(), "0.bias": np.full(UNITS, bias)})
    history = cr.fit(
        model, X, Y, "mse", cr.optim.SGD(lr=lambda step: first if step == 0 else RATE),
        epochs, batch_size=len(X), record=100,
    )  # fmt: skip
    kept = history.recording.snapshots
    return [s.epoch for s in kept], [dead(s.model) for s in kept], history.loss


@headed("units", "bias", "first rate", "dead before", "after a step", "at the end", "loss")
def experiment():
    """All cases: the share of dead units and the loss, epoch by epoch."""
    rows, shares, losses = [], {}, {}
    for name, case in CASES.items():
        epochs, share, loss = trained(*case)
        shares[name], losses[name] = (epochs, share), loss
        rows.append((name, *case[1:], share[0], share[1], share[-1], loss[-1]))
    charts = (
        cr.pictures.lines(shares, x="epoch", y="share of dead units", ident="dead"),
        cr.pictures.lines(losses, x="epoch", y="loss", log=True, ident="loss"),
    )
    picture = cr.pictures.beside(*charts, title=f"{UNITS} neurons learn, or are dead")
    _, step, bias, leaky_step, leaky_bias = rows
    sentence = (
        f"A first step 30 times too large kills {step[4]:.0%} of the ReLUs and a bias of "
        f"{short(bias[1])} all of them, and after 600 epochs {step[5]:.0%} and {bias[5]:.0%} are "
        f"still dead; of the leaky ReLUs {leaky_step[5]:.0%} and {leaky_bias[5]:.0%}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
