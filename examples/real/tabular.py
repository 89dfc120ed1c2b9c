"""Tables: breast cancer, wine, diabetes, and house prices made by a function.

The rival is scikit-learn's MLPClassifier or MLPRegressor: as it comes, and chosen from as many
settings as ours, in the same way. Each fifth of the rows is judged once by networks that learned
from the other four; there three-fold cross-validation chooses the setting, by the cross-entropy
or the squared error. All get the same standardised rows. What we add to the choice is what
scikit-learn lacks: dropout, AdamW, a one-cycle rate, residual layers with layer norm.

python examples/real/tabular.py --repeats 3
"""

import argparse
import warnings

import numpy as np
from rich.progress import track
from scipy.stats import t as student
from sklearn import neural_network as theirs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits
from times import went

import chainrule.sklearn as ours
from chainrule import optim

FOLDS, EPOCHS, ROWS = 5, 60, 32
DEEP, WIDE = (64, 64), (256,)


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


def plain(n, hidden=(100,), alpha=1e-4):
    """A setting of both packages' networks, for n rows."""
    return {"hidden_layer_sizes": hidden, "alpha": alpha}


def cycled(n, hidden, lr, decay, **added):
    """AdamW whose rate rises to `lr` and falls to nothing, and other things that we add."""
    rate = optim.schedules.one_cycle(lr, EPOCHS * -(-n // ROWS))
    return {
        "hidden_layer_sizes": hidden, "solver": optim.AdamW(lr=rate, weight_decay=decay),
        "alpha": 0.0, "batch_size": ROWS, "max_iter": EPOCHS, "n_iter_no_change": EPOCHS, **added,
    }  # fmt: skip


STEPS = ((0.01, 0.1), (0.01, 1.0), (0.003, 3.0))  # the largest rate, the weight decay
SIDES = {  # a package, and the settings from which one is chosen
    "ours": (ours, [
        *((cycled, {"hidden": DEEP, "lr": lr, "decay": decay}) for lr, decay in STEPS),
        *((cycled, {"hidden": WIDE, "lr": lr, "decay": decay, "dropout": 0.5})
          for lr, decay in (*STEPS, (0.003, 1.0))),
        (cycled, {"hidden": DEEP, "lr": 0.01, "decay": 0.1, "residual": True, "norm": "layer"}),
    ]),
    "scikit-learn, chosen": (theirs, [
        (plain, {"hidden": hidden, "alpha": alpha})
        for hidden in (DEEP, WIDE) for alpha in (1e-4, 0.1, 1.0, 10.0)
    ]),
    "scikit-learn, as it comes": (theirs, [(plain, {})]),
}  # fmt: skip


def parts(X, y, count, seed):
    """The rows to learn from and to be judged on, `count` times; classes keep their shares."""
    kind = StratifiedKFold if y.dtype.kind == "i" else KFold
    return kind(count, shuffle=True, random_state=seed).split(X, y)


def scaled(X, y, learn, judge):
    """The two parts, standardised by the first: X, y, new X, new y."""
    scale = StandardScaler().fit(X[learn])
    if y.dtype.kind != "i":
        y = (y - y[learn].mean()) / y[learn].std()
    return scale.transform(X[learn]), y[learn], scale.transform(X[judge]), y[judge]


def trained(package, setting, X, y, seed):
    """A network of this package with this setting."""
    kind = package.MLPClassifier if y.dtype.kind == "i" else package.MLPRegressor
    make, options = setting
    with warnings.catch_warnings():  # so many epochs were asked for, converged or not
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**make(len(X), **options), random_state=seed).fit(X, y)


def wrong(model, X, y):
    """How far answers are off: the cross-entropy, or the mean squared error."""
    if y.dtype.kind == "i":
        return -np.log(model.predict_proba(X)[np.arange(len(y)), y] + 1e-9).mean()
    return np.mean((model.predict(X) - y) ** 2)


def chosen(package, settings, X, y, seed):
    """The setting that errs least in three-fold cross-validation on these rows."""
    if len(settings) == 1:
        return settings[0]

    def error(setting):
        found = (scaled(X, y, *part) for part in parts(X, y, 3, seed))
        return np.mean([wrong(trained(package, setting, a, b, seed), c, d) for a, b, c, d in found])

    return min(settings, key=error)


def table(name):
    """The rows and the targets of a table."""
    return TABLES[name]() if name == "houses" else TABLES[name](return_X_y=True)


def judged(X, y, part, seed):
    """On one fifth of the rows each side's score (right, or R²) and error, and our network."""
    a, b, new, after = scaled(X, y, *part)
    row, model = {}, None
    for side, (package, settings) in SIDES.items():
        made = trained(package, chosen(package, settings, a, b, seed), a, b, seed)
        row[side] = made.score(new, after), wrong(made, new, after)
        model = made if package is ours else model
    return row, model


def lead(found, rival, measure=0):
    """By how much we are ahead of a rival: the mean of the folds' differences, and 95 % around it.

    The folds share most of the rows they learned from, so the variance of the mean is taken as
    1/k + 1/(folds − 1) times that of the k differences, not as 1/k times it.
    Source: Nadeau and Bengio 2003, the corrected resampled t-test.
    """
    ahead = np.array([row["ours"][measure] - row[rival][measure] for row in found])
    spread = ahead.std(ddof=1) * np.sqrt(1 / len(ahead) + 1 / (FOLDS - 1))
    return ahead.mean(), student.ppf(0.975, len(ahead) - 1) * spread


def verdict(mean, around):
    """What a lead and the 95 % around it say."""
    return "ahead" if mean > around else "behind" if mean < -around else "equal"


def told(name, found, history):
    """What was found of a table, in lines."""
    measure = "R²" if name in ("diabetes", "houses") else "right"
    score = {side: np.mean([row[side][0] for row in found]) for side in SIDES}
    yield f"{name}: ours {measure} {score.pop('ours'):.3f}; {went(history)}"
    for rival, its in score.items():
        mean, around = lead(found, rival)
        yield f"  {rival} {its:.3f}; we are {verdict(mean, around)}: {mean:+.3f} ± {around:.3f}"


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("tables", nargs="*", default=list(TABLES), help="default: all of them")
    options.add_argument("--repeats", type=int, default=1, help="of the five folds (default 1)")
    asked = options.parse_args()
    with threadpool_limits(1):  # so small, their products are slower with more
        for name in asked.tables:
            X, y = table(name)
            folds = [(part, k) for k in range(asked.repeats) for part in parts(X, y, FOLDS, k)]
            runs = [judged(X, y, *fold) for fold in track(folds, name)]
            found, models = zip(*runs, strict=True)
            print(*told(name, found, models[-1].history_), sep="\n", flush=True)
