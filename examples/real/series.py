"""Forecasts by a GRU: noisy sines, and the chaos of Mackey and Glass, 12 steps ahead.

Each is compared with saying the last value again, and with the best linear function of the same
32 values. Two sines are a linear recurrence: there a linear forecast cannot be beaten.

python examples/real/series.py
"""

import numpy as np
from times import went

import chainrule as cr
from chainrule import nn

WINDOW, AHEAD = 32, 12


def sines(n=1500, noise=0.1, seed=0):
    """Two sines whose periods have no common multiple here, with noise."""
    t = np.arange(n)
    clean = np.sin(2 * np.pi * t / 25) + 0.5 * np.sin(2 * np.pi * t / 11.3)
    return clean + noise * np.random.default_rng(seed).normal(size=n)


def mackey_glass(n=1500, delay=17, steps=10, settle=300):
    """dx/dt = 0.2 x(t−17) / (1 + x(t−17)¹⁰) − 0.1 x, in steps of 0.1, after it has settled."""
    x = [1.2] * (delay * steps + 1)
    for _ in range((n + settle) * steps):
        late = x[-delay * steps - 1]
        x.append(x[-1] + (0.2 * late / (1 + late**10) - 0.1 * x[-1]) / steps)
    return np.array(x[::-steps][::-1][-n:])


SERIES = {"sines": sines, "Mackey-Glass": mackey_glass}


def windows(values):
    """Rows of 32 values in units of their spread, and the value 12 steps after each row."""
    cut = len(values) * 3 // 4
    z = (values - values[:cut].mean()) / values[:cut].std()
    X = np.lib.stride_tricks.sliding_window_view(z, WINDOW)[:-AHEAD]
    y, last = z[WINDOW + AHEAD - 1 :], cut - WINDOW - AHEAD
    return (X[:last], y[:last]), (X[cut:], y[cut:])


def trained(values, epochs=60, progress=False):
    """A GRU that was shown the first three quarters, and its history."""
    (X, y), _ = windows(values)
    model = nn.Sequential(
        nn.GRU(1, 32, batch_first=True), lambda made: made[0][:, -1], nn.Linear(32, 1), seed=0
    )
    rate = cr.optim.schedules.cosine(0.01, steps=epochs * -(-len(X) // 32), warmup=20)
    return cr.fit(model, X[..., None], y, "mse", cr.optim.Adam(lr=rate), epochs, clip=1.0,
                  progress=progress)  # fmt: skip


def errors(model, values):
    """The root mean square errors of the three forecasts of the last quarter."""
    (X, y), (new, after) = windows(values)
    with_one = [np.c_[a, np.ones(len(a))] for a in (X, new)]
    linear = with_one[1] @ np.linalg.lstsq(with_one[0], y, rcond=None)[0]
    made = model(new[..., None].astype(np.float32)).value[:, 0]
    forecasts = {"the last value": new[:, -1], "linear": linear, "GRU": made}
    return {name: float(np.sqrt(np.mean((f - after) ** 2))) for name, f in forecasts.items()}


if __name__ == "__main__":
    for name, make in SERIES.items():
        values = make()
        history = trained(values, progress=True)
        told = ", ".join(f"{k} {v:.3f}" for k, v in errors(history.model, values).items())
        print(f"{name}, error 12 steps ahead in units of the spread: {told}; {went(history)}")
