"""XOR: no line parts it, and two hidden units are enough, if the start is a lucky one.

python examples/experiments/xor.py
"""

import numpy as np
from experiment import headed, tell

import chainrule as cr
from chainrule import nn

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0.0, 1.0, 1.0, 0.0])
STARTS = 20


def network(hidden, seed):
    """So many hidden units of tanh; with none, a linear model."""
    if not hidden:
        return nn.Sequential(nn.Linear(2, 1), seed=seed)
    return nn.Sequential(nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 1), seed=seed)


def trained(hidden, seed=0, epochs=150, record=False):
    """What happened in a training on all four points at once."""
    return cr.fit(network(hidden, seed), X, Y, "mse", cr.optim.Adam(lr=0.1), epochs, batch_size=4,
                  metrics="accuracy", record=record)  # fmt: skip


def solved(hidden, starts=STARTS):
    """The losses at the end of so many trainings, from different weights."""
    return np.array([trained(hidden, seed).loss[-1] for seed in range(starts)])


@headed("hidden units", f"learned, of {STARTS}", "best loss", "median", "worst")
def experiment():
    """Widths from none to 8, each from 20 starts, and one of the trainings in pictures."""
    rows = []
    for hidden in (0, 1, 2, 3, 4, 8):
        ends = solved(hidden)
        rows.append((hidden, int(np.sum(ends < 0.01)), ends.min(), np.median(ends), ends.max()))
    right = {row[0]: row[1] for row in rows}
    picture = cr.pictures.training(trained(2, record=60), title="Two hidden units learn XOR")
    sentence = (
        f"A linear model ends at a loss of {rows[0][2]:.2f}, the answer ½ to everything, from each "
        f"of {STARTS} starts; 2 hidden units learn XOR from {right[2]} of them, 3 from {right[3]}, "
        f"8 from {right[8]}."
    )
    return rows, picture, sentence


if __name__ == "__main__":
    tell(experiment)
