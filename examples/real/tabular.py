"""Tables: breast cancer, wine, diabetes, and house prices made by a function.

The rival is scikit-learn's MLPClassifier or MLPRegressor with its defaults. Both get the same
rows to learn from, three quarters, standardised alike, and are judged on the same others; the
figures are means over five such splits. Ours is five networks whose answers are averaged, with the
weight decay that was best on a fifth of the rows to learn from.

python examples/real/tabular.py
"""

import numpy as np
from rich.progress import track
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from times import went

import chainrule as cr
from chainrule import nn

DECAYS, TOGETHER, EPOCHS = (0.1, 1.0), 5, 60


def houses(n=4000, seed=0):
    """Prices that grow with income, near the sea and near three cities, with noise and a lid."""
    rng = np.random.default_rng(seed)
    north, east = rng.uniform(0, 10, (2, n))
    income, age = rng.lognormal(1.2, 0.45, n), rng.uniform(1, 52, n)
    rooms = np.maximum(rng.normal(5.4, 1.2, n) + 0.25 * income, 1.0)
    people = np.maximum(rng.normal(3.0, 0.7, n), 1.0)
    sea = np.abs(east - 0.7 * (10 - north))
    cities = sum(
        height * np.exp(-((north - a) ** 2 + (east - b) ** 2) / wide)
        for height, a, b, wide in ((1.4, 5.2, 1.7, 1.0), (1.1, 1.5, 5.7, 1.5), (0.6, 0.3, 6.9, 0.6))
    )
    price = (
        0.45 * income * np.exp(-0.02 * income) + 0.9 * np.exp(-sea / 1.5)
        + cities * (0.4 + 0.2 * income) + 0.05 * rooms - 0.25 * people + 0.006 * age
    )  # fmt: skip
    price = np.clip(price + rng.normal(0, 0.3, n), 0.15, 5.0)
    return np.stack([income, age, rooms, people, north, east], axis=1), price


TABLES = {
    "breast cancer": load_breast_cancer, "wine": load_wine, "diabetes": load_diabetes,
    "houses": houses,
}  # fmt: skip


def split(name, seed):
    """Standardised rows to learn from and to be judged on: X, y, new X, new y."""
    X, y = TABLES[name]() if name == "houses" else TABLES[name](return_X_y=True)
    labels = y.dtype.kind == "i"
    X, new, y, after = train_test_split(X, y, random_state=seed, stratify=y if labels else None)
    scale = StandardScaler().fit(X)
    if not labels:
        y, after = (y - y.mean()) / y.std(), (after - y.mean()) / y.std()
    return scale.transform(X), y, scale.transform(new), after


def network(X, y, decay, seed):
    """A trained network, and its history."""
    outputs = y.max() + 1 if y.dtype.kind == "i" else 1
    model = nn.Sequential(
        nn.Linear(X.shape[1], 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs),
        seed=seed,
    )  # fmt: skip
    steps = EPOCHS * -(-len(X) // 32)
    rate = cr.optim.schedules.cosine(0.003, steps=steps, warmup=steps // 20)
    loss = "mse" if outputs == 1 else "cross_entropy"
    optimizer = cr.optim.AdamW(lr=rate, weight_decay=decay)
    trainer = cr.Trainer(model, loss, optimizer, seed=seed, compiled=True, watch=False)
    return trainer.fit(X, y, epochs=EPOCHS)


def answers(X, y, new, decay, seed, count):
    """The mean answer of several networks, and their histories: shares of classes, or a number."""
    histories = [network(X, y, decay, 100 * seed + k) for k in range(count)]
    made = [history.model(new.astype(np.float32)).value for history in histories]
    if y.dtype.kind == "i":
        made = [np.exp(z - cr.logsumexp(z, axis=1, keepdims=True)) for z in made]
    return np.mean(made, axis=0), histories


def wrong(made, y):
    """How far answers are off: the cross-entropy, or the mean squared error."""
    if y.dtype.kind == "i":
        return -np.log(made[np.arange(len(y)), y] + 1e-9).mean()
    return np.mean((made[:, 0] - y) ** 2)


def score(made, y):
    """The share of right classes, or R²."""
    if y.dtype.kind == "i":
        return np.mean(made.argmax(1) == y)
    return 1 - np.mean((made[:, 0] - y) ** 2) / y.var()


def ours(name, seed):
    """The score on the rows that were held back, and a history."""
    X, y, new, after = split(name, seed)
    cut = len(X) * 4 // 5

    def held_out(decay):
        return wrong(answers(X[:cut], y[:cut], X[cut:], decay, seed, 2)[0], y[cut:])

    made, histories = answers(X, y, new, min(DECAYS, key=held_out), seed, TOGETHER)
    return score(made, after), histories[0]


def theirs(name, seed):
    """The score of scikit-learn's network on the same rows."""
    X, y, new, after = split(name, seed)
    kind = MLPClassifier if y.dtype.kind == "i" else MLPRegressor
    return kind(random_state=seed).fit(X, y).score(new, after)


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")  # their 200 iterations end before they converge
    jobs = [(name, seed) for name in TABLES for seed in range(5)]
    found = {job: (*ours(*job), theirs(*job)) for job in track(jobs, "tables")}
    for name in TABLES:
        own, histories, other = zip(*(found[name, seed] for seed in range(5)), strict=True)
        measure = "R²" if name in ("diabetes", "houses") else "right"
        print(f"{name}: {measure} {np.mean(own):.3f}, scikit-learn {np.mean(other):.3f}; "
              f"{went(histories[-1])}")  # fmt: skip
