"""Trainings from the command line: stopped, killed, taken up, asked, shown, compared."""

import csv
import io
import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import main
from chainrule.app.predict import shares_of
from chainrule.app.textcurves import blocks, plotted
from chainrule.train.data.preparing import prepared

SMALL = ("--model", "8 tanh", "--quiet")
CITIES = ("Bern", "Basel", "Genf")


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)), prog_name="chainrule")


def done(*words):
    made = run(*words)
    assert made.exit_code == 0, made.output
    return made


def told(folder):
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def houses(count=60, start=0):
    lines = [f'{50 + k},{CITIES[k % 3]},{k % 2},"${5 + k},000"' for k in range(start, count)]
    return "area,city,new,price\n" + "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder with data, and three small runs of them."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "houses.csv").write_text(houses())
    out = ("--out", folder / "runs", "--epochs", 3, *SMALL)
    done("train", folder / "houses.csv", "--target", "price", *out)
    done("train", folder / "houses.csv", "--target", "city", *out)
    done("train", "moons", *out)
    return folder


def price(base):
    return base / "runs" / "houses-001"


def city(base):
    return base / "runs" / "houses-002"


# ------------------------------------------------------------------ train

MISTAKES = (  # words after `train moons`, what is said
    (
        ["--model", "8 rleu"],
        "--model: 'rleu' is no layer\n  8 rleu\n    ^^^^\n  did you mean relu?",
    ),
    (["--optimizer", "adm"], "--optimizer adm: did you mean adam"),
    (["--optimizer", "adam beta=1"], "--optimizer adam beta=1: adam has no option beta"),
    (["--schedule", "cosin"], "--schedule cosin: did you mean cosine?"),
    (["--schedule", "cosine warmup=99999"], "warmup=99999): steps counts the warm-up too"),
    (["--clip", "nrom 1"], "--clip nrom 1: write"),
    (["--loss", "mse"], "--loss mse: classification is trained with cross_entropy or"),
    (["--loss", "crossentropy"], "did you mean cross_entropy"),
    (["--set", "epoch=3"], "--set epoch=3: there is no setting epoch; did you mean epochs?"),
    (["--model", "none.py:net"], "there is no file none.py"),
    (["--drop", "x1"], "--drop is for files"),
    (["--optimizer", "lbfgs", "--batch-size", "32"], "needs all 700 examples in every step"),
)


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(w) for w, _ in MISTAKES])
def test_a_mistake_is_said_before_anything_is_written(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = run("train", "moons", "--epochs", 2, *words)
    assert (made.exit_code, list(tmp_path.glob("runs/*"))) == (2, [])
    assert said in made.output
    assert "Traceback" not in made.output


def test_a_mistake_in_the_layers_of_a_file_has_its_line(tmp_path):
    (tmp_path / "a.toml").write_text('data = "moons"\nmodel = "8 rleu"\n')
    assert (
        "a.toml, line 2: 'rleu' is no layer\n  8 rleu\n    ^^^^"
        in run("train", "--config", tmp_path / "a.toml").output
    )


TOLD = {  # options → a setting as it is recorded
    "--optimizer=sgd nesterov": ("optimizer", "sgd nesterov"),
    "--optimizer=lbfgs": ("batch_size", 700),
    "--schedule=one_cycle": ("lr", 0.001),
    "--clip=value 1": ("clip", "value 1"),
    "--class-weight=balanced": ("class_weight", "balanced"),
    "--loss=binary_cross_entropy_with_logits": ("loss", "binary_cross_entropy_with_logits"),
    "--metric=f1": ("metric", ["f1"]),
    "--accumulate=2": ("accumulate", 2),
    "--patience=5": ("patience", 5),
    "--checkpoint=7": ("checkpoint", 7),
    "--hidden=4 4": ("model", "4 relu, 4 relu"),
    "--model=4 batchnorm relu dropout 0.1": ("model", "4 batchnorm relu dropout 0.1"),
}


@pytest.mark.parametrize("option", TOLD)
def test_every_option_trains_and_is_recorded(option, tmp_path):
    done("train", "moons", "--epochs", 2, "--quiet", "--out", tmp_path, *option.split("=", 1))
    key, value = TOLD[option]
    found = told(tmp_path / "moons-001")
    assert found["settings"][key] == value
    assert found["status"] == "finished"


def test_metrics_that_are_asked_for_are_told(tmp_path):
    words = ("--metric", "f1", "--metric", "confusion", "--out", tmp_path)
    assert "f1 0." in done("train", "moons", "--epochs", 2, "--quiet", *words).output
    found = told(tmp_path / "moons-001")["result"]
    assert np.shape(found["confusion"]) == (2, 2)
    assert np.sum(found["confusion"]) == 150


def test_errors_are_in_the_units_of_the_target(tmp_path):
    (tmp_path / "h.csv").write_text(houses())
    words = ("--target", "price", "--metric", "rmse", "--epochs", 40, "--out", tmp_path, *SMALL)
    made = done("train", tmp_path / "h.csv", *words)
    found = told(tmp_path / "h-001")["result"]
    assert found["mae"] <= found["rmse"] < 3 * found["mae"]
    assert 100 < found["mae"] < found["mae_of_the_mean"] < 30_000
    assert f"rmse {found['rmse']:.4g}" in made.output


def npz(folder):
    np.savez(folder / "d.npz", X=POINTS, y=LABELS)
    return ["d.npz"]


def npy(folder):
    np.save(folder / "d.npy", POINTS)
    np.save(folder / "y.npy", LABELS)
    return ["d.npy", "--target", "y.npy"]


def pictures(folder):
    np.save(folder / "d.npy", POINTS.reshape(60, 2, 2))
    np.save(folder / "y.npy", LABELS)
    return ["d.npy", "--target", "y.npy"]


def parquet(folder):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame(POINTS, columns=list("abcd")).assign(t=LABELS).to_parquet(folder / "d.parquet")
    return ["d.parquet", "--target", "t"]


POINTS = np.random.default_rng(0).normal(9.0, 3.0, size=(60, 4)).astype(np.float32)
LABELS = (POINTS[:, 0] > 9).astype(int)


@pytest.mark.parametrize("form", [npz, npy, pictures, parquet], ids=lambda f: f.__name__)
def test_every_kind_of_file_trains_and_is_asked(form, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = form(tmp_path)
    done("train", *words, "--epochs", 30, "--lr", "0.02", *SMALL)
    made = done("predict", "runs/d-001", words[0])
    rows = list(csv.reader(io.StringIO(made.stdout)))
    assert len(rows) == 61
    assert np.mean([int(r[0]) == t for r, t in zip(rows[1:], LABELS, strict=True)]) > 0.9


# ------------------------------------------------------------------ the user's own file

OWN = """
import pathlib
import chainrule as cr

pathlib.Path(__file__).with_name("ran").touch()

@cr.nn.layer
class Scale(cr.nn.Module):
    factor: cr.Tensor

    def __init__(self, n):
        self._settle(factor=cr.nn.parameter([1.0] * n, "float32"))

    def __call__(self, x):
        return x * self.factor


def model(inputs, outputs, seed):
    return cr.nn.Sequential(Scale(inputs), cr.nn.Linear(inputs, outputs), seed=seed)


ready = cr.nn.Sequential(cr.nn.Linear(2, 4), cr.nn.Tanh(), cr.nn.Linear(4, 2))
number = 3


def wants(width):
    return None


def breaks(inputs):
    return undefined


def seven(inputs):
    return cr.nn.Linear(inputs, 7)


def rows(inputs, outputs):
    return cr.nn.Sequential(cr.nn.Linear(inputs, 4 * outputs), Apart(outputs))


@cr.nn.layer
class Apart(cr.nn.Module):
    outputs: int = cr.nn.static(default=1)

    def __call__(self, x):
        return cr.reshape(x, (-1, 4, self.outputs))


def narrow(outputs):
    return cr.nn.Linear(5, outputs)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(OWN)
    return tmp_path / "net.py"


def test_a_network_of_one_s_own_trains_goes_on_and_is_asked(own):
    words = ("--model", "net.py:model", "--quiet")
    done("train", "moons", "--epochs", 2, *words)
    done("train", "--resume", "runs/moons-001", "--epochs", 4, *words)
    done("train", "moons", "--epochs", 4, *words)
    a, b = (cr.load(f"runs/moons-00{k}/weights.safetensors", into=fresh()) for k in (1, 2))
    assert np.array_equal(a[1].weight.value, b[1].weight.value)
    asked = done("predict", "runs/moons-001", "moons", "--model", "net.py:model").stdout
    assert asked == done("predict", "runs/moons-002", "moons", "--model", "net.py:model").stdout


def fresh():
    return runpy.run_path("net.py")["model"](2, 2, 0)


def test_no_file_is_run_because_a_run_names_it(own):
    done("train", "moons", "--epochs", 1, "--model", "net.py", "--quiet")
    (own.parent / "ran").unlink()
    for words in (("train", "--resume", "runs/moons-001", "--epochs", 2),
                  ("predict", "runs/moons-001", "moons")):  # fmt: skip
        made = run(*words)
        assert made.exit_code == 2
        assert "name it again: --model net.py" in made.output
    done("show", "runs/moons-001")
    assert not (own.parent / "ran").exists()


OWN_MISTAKES = {
    "net.py:modl": "did you mean model",
    "net.py:number": "net.py:number is an int",
    "net.py:Scale": "is the class Scale",
    "net.py:wants": "asks for width; it is told inputs, outputs, seed",
    "net.py:breaks": "name 'undefined' is not defined",
    "nett.py": "did you mean net.py",
}


@pytest.mark.parametrize("text", OWN_MISTAKES)
def test_a_file_without_a_network_is_told(text, own):
    made = run("train", "moons", "--model", text)
    assert made.exit_code == 2
    assert OWN_MISTAKES[text] in made.output
    assert "Traceback" not in made.output


WRONG_OUTPUTS = {  # what a network of one's own gives for one example, and what is said of it
    ("moons", "seven", "cross_entropy"): "gives 7 outputs for one example of shape (2,); for 2 "
    "classes with cross_entropy it needs 2 outputs: end it with nn.Linear(..., 2)",
    ("moons", "seven", "binary_cross_entropy_with_logits"): "it needs 1 output: ",
    ("digits", "seven", "cross_entropy"): "it needs 10 outputs: ",
    ("numbers.csv", "seven", "mse"): "for regression it needs 1 output: ",
    ("moons", "rows", "cross_entropy"): "gives the shape (1, 4, 2) for one example",
    ("moons", "narrow", "cross_entropy"): "x of shape (1, 2) and weight (2, 5)",
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_OUTPUTS, ids=" ".join)
def test_a_network_with_other_outputs_is_refused_before_it_is_trained(case, own):
    data, name, loss = case
    lines = [f"{k},{k % 7},{k * k}" for k in range(40)]
    Path("numbers.csv").write_text("\n".join(["a,b,y", *lines]))
    target = ("--target", "y") if data.endswith(".csv") else ()
    made = run("train", data, "--model", f"net.py:{name}", "--loss", loss, *target)
    assert made.exit_code == 2
    assert WRONG_OUTPUTS[case] in made.output
    assert not Path("runs").exists()


# ------------------------------------------------------------------ stopping and going on

LONG = ("--model", "16 relu dropout 0.1 batchnorm, 8 tanh", "--schedule", "cosine warmup=50",
        "--epochs", "40", "--optimizer", "adamw", "--clip", "norm 1", "--checkpoint", "9",
        "--quiet")  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize(
    "how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=["stopped", "ended", "killed"]
)
def test_a_run_that_was_ended_goes_on_as_if_nothing_had_been(how, tmp_path):
    done("train", "moons", *LONG, "--out", tmp_path)
    with subprocess.Popen(
        [sys.executable, "-m", "chainrule", "train", "moons", *LONG, "--out", str(tmp_path)],
        stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as made:  # fmt: skip
        folder = tmp_path / "moons-002"
        while not list(folder.glob("checkpoints/*.safetensors")) and made.poll() is None:
            time.sleep(0.005)
        made.send_signal(how)
        said, _ = made.communicate(timeout=60)
    if how != signal.SIGKILL:
        assert f"stopped; to go on: chainrule train --resume {folder}\n" in said
        assert made.returncode == 128 + how
    assert told(folder)["status"] == ("begun" if how == signal.SIGKILL else "interrupted")
    assert "chainrule train --resume" in done("show", folder).output
    if how == signal.SIGKILL:
        found = CliRunner().invoke(main, ["predict", str(folder), "X.npy"])
        assert f"chainrule train --resume {folder}" in found.output
    done("train", "--resume", folder, "--quiet")
    a, b = ((tmp_path / f"moons-00{k}" / "weights.safetensors").read_bytes() for k in (1, 2))
    assert a == b
    assert [r["loss"] for r in history(folder)] == [
        r["loss"] for r in history(tmp_path / "moons-001")
    ]


def history(folder):
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def test_a_run_that_has_ended_goes_further(tmp_path):
    words = ("xor", *SMALL, "--out", tmp_path)
    done("train", *words, "--epochs", 2)
    done("train", "--resume", tmp_path / "xor-001", "--epochs", 5)
    done("train", *words, "--epochs", 5)
    a, b = ((tmp_path / f"xor-00{k}" / "weights.safetensors").read_bytes() for k in (1, 2))
    assert a == b
    assert len(history(tmp_path / "xor-001")) == 5


REFUSED = (  # words after `train --resume RUN`, what is said
    ([], "has done its 3 epochs; --epochs 6 takes it further"),
    (["--lr", "1"], "--lr 1: a run that goes on keeps its settings"),
    (["--model", "4 relu"], "--model 4 relu: a run that goes on keeps its network"),
    (["moons"], "moons: a run that goes on keeps its settings"),
)


@pytest.mark.parametrize(("words", "said"), REFUSED)
def test_a_run_keeps_its_settings(words, said, base):
    made = run("train", "--resume", price(base), *words)
    assert made.exit_code == 2
    assert said in made.output


def test_a_run_does_not_go_on_with_other_data(tmp_path):
    path = tmp_path / "h.csv"
    path.write_text(houses())
    done("train", path, "--target", "price", "--epochs", 1, *SMALL, "--out", tmp_path)
    path.write_text(houses().replace("$5,000", "$6,000"))
    made = run("train", "--resume", tmp_path / "h-001", "--epochs", 2)
    assert made.exit_code == 2
    assert "the data have changed" in made.output


def test_a_loss_that_is_not_finite_ends_with_code_1(tmp_path):
    words = ("--optimizer", "sgd", "--lr", "1e6", "--epochs", 5, "--quiet", "--out", tmp_path)
    made = run("train", "blobs", *words)
    assert made.exit_code == 1
    assert "the loss is not finite since epoch 1" in made.output
    assert told(tmp_path / "blobs-001")["status"] == "not finite"
    assert "not finite; train anew" in run("train", "--resume", tmp_path / "blobs-001").output


# ------------------------------------------------------------------ predict


def asked(made):
    rows = list(csv.reader(io.StringIO(made.stdout)))
    return rows[0], rows[1:]


def test_probabilities_are_those_of_the_network(base):
    header, rows = asked(done("predict", city(base), base / "houses.csv"))
    data = prepared(base / "houses.csv", "city")
    model = cr.load(city(base) / "weights.safetensors")
    known = shares_of(np.asarray(model(data.X)))
    assert header == ["city", "probability", "p(Basel)", "p(Bern)", "p(Genf)"]
    np.testing.assert_allclose([[float(v) for v in r[2:]] for r in rows], known, atol=1e-5)
    assert [r[0] for r in rows] == [data.classes[k] for k in known.argmax(1)]
    assert all(float(r[1]) == max(map(float, r[2:])) for r in rows)


def test_numbers_are_in_the_units_of_the_target(base):
    header, rows = asked(done("predict", price(base), base / "houses.csv"))
    data = prepared(base / "houses.csv", "price")
    made = np.asarray(cr.load(price(base) / "weights.safetensors")(data.X))[:, 0]
    assert header == ["price"]
    np.testing.assert_allclose(
        [float(r[0]) for r in rows], made * data.target_scale + data.target_mean, rtol=1e-5
    )


def test_how_right_it_is_is_said_where_the_file_knows(base):
    assert "accuracy 0." in done("predict", city(base), base / "houses.csv").stderr
    assert "mean absolute error" in done("predict", price(base), base / "houses.csv").stderr


def test_answers_go_to_a_file_in_the_order_of_the_rows(base, tmp_path):
    (tmp_path / "many.csv").write_text(houses(2500))
    made = done("predict", price(base), tmp_path / "many.csv", "--out", tmp_path / "a.csv")
    assert made.stdout == ""
    values = [float(v) for v in (tmp_path / "a.csv").read_text().split()[1:]]
    assert len(values) == 2500
    assert values[2400] > values[30]


def test_what_the_run_has_not_seen_is_said_and_what_it_does_not_use(base, tmp_path):
    (tmp_path / "new.csv").write_text("extra,area,new,city\n1,60,0,Zug\n1,,1,Bern\n")
    made = done("predict", price(base), tmp_path / "new.csv")
    assert "not used: extra" in made.stderr
    assert "unknown to the run: city = Zug, in 1 of 2 rows" in made.stderr
    assert len(asked(made)[1]) == 2


BAD_ROWS = {  # a file → what is said
    "area,new\n60,1\n": "the column is missing: city; it has area, new",
    "Area,new,city\n60,1,Bern\n": "missing: area; did you mean Area?",
    "area,new,city\nlarge,1,Bern\n": "area is 'large' in line 2; the run learned from numbers",
    'area,new,city\n"1,5",1,Bern\n': "area is '1,5' in line 2",
    "": "the file is empty",
}


@pytest.mark.parametrize("text", BAD_ROWS, ids=list(BAD_ROWS.values()))
def test_rows_that_cannot_be_asked_about_are_refused(text, base, tmp_path):
    (tmp_path / "new.csv").write_text(text)
    made = run("predict", price(base), tmp_path / "new.csv")
    assert made.exit_code == 2
    assert BAD_ROWS[text] in made.output


def test_points_may_come_as_a_table_or_as_arrays(base, tmp_path):
    points = POINTS[:, :2].astype(np.float64)
    np.save(tmp_path / "a.npy", points)
    np.savez(tmp_path / "b.npz", X=points)
    lines = [f"{a!r},{b!r}" for a, b in points.tolist()]
    (tmp_path / "c.csv").write_text("x1,x2\n" + "\n".join(lines))
    moons = base / "runs" / "moons-001"
    found = [done("predict", moons, tmp_path / n).stdout for n in ("a.npy", "b.npz", "c.csv")]
    assert found[0] == found[1] == found[2]
    np.save(tmp_path / "wide.npy", POINTS)
    assert "learned from 2 numbers" in run("predict", moons, tmp_path / "wide.npy").output
    np.save(tmp_path / "nan.npy", points * np.nan)
    assert "NaN in rows 0, 1" in run("predict", moons, tmp_path / "nan.npy").output


# ------------------------------------------------------------------ show and compare-runs


def test_a_run_is_shown_with_curves_layers_and_norms(base):
    shown = done("show", city(base)).output
    assert "houses-002: classification of houses; 3 → 8 → 3" in shown
    assert "finished: 3 of 3 epochs" in shown
    assert "● training   ○ validation" in shown
    assert shown.count("layer 0: ") == 1
    assert "gradient norm, first epoch" in shown


@pytest.mark.parametrize("command", ["show", "compare-runs"])
@pytest.mark.parametrize("kind", ["html", "svg", "png"])
def test_curves_are_written_as_files(command, kind, base, tmp_path):
    if kind == "png":
        pytest.importorskip("resvg_py")
    path = tmp_path / f"a.{kind}"
    runs = [city(base)] if command == "show" else [city(base), base / "runs" / "moons-001"]
    assert f"written to {path}" in done(command, *runs, f"--{kind}", path).output
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG") if kind == "png" else b"<svg" in data


def test_settings_that_differ_and_results_stand_side_by_side(base, tmp_path):
    out = ("--out", tmp_path, "--quiet", "--epochs", 2)
    done("train", "xor", *out, "--lr", "0.1")
    done("train", "xor", *out, "--seed", 3, "--model", "4 relu")
    lines = done("compare-runs", tmp_path / "xor-001", tmp_path / "xor-002").output.splitlines()
    rows = {w[0]: w[1:] for line in lines if (w := line.split())}
    assert rows["lr"] == ["0.1", "0.001"]
    assert rows["seed"] == ["0", "3"]
    assert "batch_size" not in rows
    results = [f"{told(tmp_path / f'xor-00{k}')['result']['accuracy']:.4g}" for k in (1, 2)]
    assert rows["accuracy"] == results


def test_a_run_that_diverged_at_once_is_named_where_it_has_no_curve(base, tmp_path):
    words = ("train", "moons", "--optimizer", "sgd", "--lr", "1e25", "--quiet", "--out", tmp_path)
    assert "1 epoch of 5: not finite" in run(*words, "--epochs", 5).output
    bad, page = tmp_path / "moons-001", tmp_path / "a.html"
    told = "the loss of moons-001 is not finite in epoch 1, where it ended, so it has no curve"
    assert told in done("compare-runs", bad, city(base), "--html", page).output
    assert told in page.read_text("utf-8")
    assert "no epoch has a finite figure to draw" in done("show", bad).output
    both = run("compare-runs", bad, bad, "--html", page)
    assert both.exit_code == 2
    assert "no epoch has a finite figure" in both.output


def test_the_curves_of_a_page_stand_each_in_a_card_that_wraps(base, tmp_path):
    done("show", city(base), "--html", tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text("utf-8")
    assert page.count('<div class="card"><svg') == 3
    assert ".pair { grid-template-columns: repeat(auto-fit" in page


def test_runs_of_one_name_are_told_apart(base, tmp_path):
    done("train", "moons", "--epochs", 1, *SMALL, "--out", tmp_path)
    shown = done("compare-runs", base / "runs" / "moons-001", tmp_path / "moons-001").output
    assert str(tmp_path) in shown.replace("\n", "")


BAD_RUNS = (
    (["show", "{}"], "it has no run.json; there are runs in it: houses-001"),
    (["show", "{}/moons-002"], "did you mean moons-001"),
    (["predict", "{}/moons-009", "moons"], "there is no run"),
    (["compare-runs", "{}/moons-001"], "give two runs or more"),
    (["compare-runs"], "RUNS is missing"),
    (["show", "{}/moons-001", "--html", "a.hmtl"], "did you mean html"),
    (["predict", "{}/moons-001", "moons", "--out", "a.txt"], "must end in one of .csv"),
    (["predict", "{}/moons-001", "a.xls"], "must end in one of .csv"),
)


@pytest.mark.parametrize(("words", "said"), BAD_RUNS)
def test_what_is_no_run_or_no_file_is_said(words, said, base):
    made = run(*(w.format(base / "runs") for w in words))
    assert made.exit_code == 2
    assert said in made.output


BROKEN = {  # a change of run.json → what is said
    "no json": (lambda told: "{", "cannot be read as JSON"),
    "a list": (lambda told: "[]", "not the record of a run"),
    "no data": (lambda told: json.dumps({**told, "data": 3}), "data is not there"),
    "no task": (lambda told: json.dumps({k: v for k, v in told.items() if k != "task"}), "task"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_record_is_said(case, base, tmp_path):
    spoil, said = BROKEN[case]
    (tmp_path / "run.json").write_text(spoil(told(price(base))))
    (tmp_path / "history.jsonl").write_text((price(base) / "history.jsonl").read_text())
    made = run("show", tmp_path)
    assert made.exit_code == 2
    assert said in made.output


def test_a_plot_shows_where_curves_are():
    lines = plotted({"a": [1.0, 2.0, 3.0], "b": [1.0, float("nan"), 1.0]}, width=5, height=3)
    assert lines[1:4] == [" 3 ┤    ●", " 2 ┤  ●", " 1 ┤◍   ○"]
    assert "logarithmic" in plotted({"a": [1e-6, 1.0]})[0]
    assert plotted({"a": [float("nan")]}) == ["no epoch has a finite value to draw"]
    assert blocks([1.0, float("inf"), 1.0]) == "▁▁"
