"""Every command works on an expression, on a function in a file, and on a saved run."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import main
from chainrule.app.explanation import explain
from chainrule.app.typed import target
from chainrule.train.checkpoint import container

EXAMPLES = Path(__file__).parent.parent / "examples"
TARGETS = {
    "expression": ["sin(x ** 2) * w", "x=1.5", "w=0.4"],
    "file": [str(EXAMPLES / "neuron.py:cost"), "w1=1.5"],
    "arrays": [str(EXAMPLES / "two_layer.py:loss")],
}
COMMANDS = {
    "explain": ["explain"], "json": ["explain", "--json"], "paper": ["explain", "--paper", "2"],
    "derive": ["explain", "--derive"], "paths": ["explain", "--paths"],
    "code": ["explain", "--code"], "torch": ["explain", "--code=torch"], "compare": ["compare"],
    "practice": ["practice", "--count", "3"],
}  # fmt: skip


def run(*words, **kwargs):
    return CliRunner().invoke(main, list(map(str, words)), prog_name="chainrule", **kwargs)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of a small network, as `train` leaves it."""
    base = tmp_path_factory.mktemp("runs")
    made = run("train", "moons", "--epochs", 2, "--hidden", "3 2", "--quiet", "--out", base)
    assert made.exit_code == 0, made.output
    return base / "moons-001"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", [*TARGETS, "run"])
def test_every_command_works_on_everything(command, kind, saved):
    words = TARGETS.get(kind) or [str(saved), "rows=2"]
    first, *rest = COMMANDS[command]
    made = run(first, *words, *rest, input="skip\nskip\nskip\n")
    assert made.exit_code == 0, made.output
    assert len(made.output) > 100


@pytest.mark.parametrize("name", ["neuron:cost", "neuron:after_a_step", "two_layer:loss",
                                  "elegant:loss", "elegant:chain"])  # fmt: skip
def test_every_example_is_explained_as_the_engine_has_it(name):
    stem, _, function = name.partition(":")
    found = explain(f"{EXAMPLES / stem}.py:{function}")
    found.output.backward()
    for variable, g in found.gradients.items():
        leaf = target(f"{EXAMPLES / stem}.py:{function}").variables[variable]
        assert np.shape(g) == leaf.shape
        assert np.all(np.isfinite(g))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda p: p.name)
def test_every_example_runs_by_itself(path):
    made = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stdout


def test_values_typed_take_the_place_of_defaults():
    found = explain(str(EXAMPLES / "neuron.py:cost"), ("w1=0", "b=6"))
    assert float(found.result) == pytest.approx(0.5 * (1 - 1 / (1 + np.exp(-12.0))) ** 2)
    assert set(found.gradients) == {"w1", "w2", "b", "x1", "x2", "y"}


def test_the_file_s_own_variables_name_the_steps():
    names = [s.name for s in explain(str(EXAMPLES / "two_layer.py:loss")).steps]
    assert {"l1", "l2", "diff"} <= set(names)


# ------------------------------------------------------------------ files of users

FILE = """
import numpy as np
import chainrule as cr

W = cr.tensor([[0.5], [-0.5]], name="W")
MODEL = cr.nn.Sequential(cr.nn.Linear(2, 3), cr.nn.Tanh(), cr.nn.Linear(3, 1))


def nothing_given():
    x = cr.tensor(3.0, name="x")
    return x * x


def of_a_model(model=MODEL, x=np.ones((4, 2))):
    return cr.mean(model(x) ** 2)


def of_settings(x=2.0, power=3, shift=True, kind="plain"):
    assert isinstance(power, int)
    assert isinstance(shift, bool)
    return x**power if kind == "plain" else cr.sin(x)


def only(*, x=2.0):
    return x * x


def an_array(x=np.arange(3.0)):
    return x * x


def forgets():
    cr.tensor(3.0)


def plain(x=2.0):
    return float(x)


def whole(x=2.0):
    return x > 1


def breaks(x=2.0):
    y = x * 2
    return y * undefined


def raises_ours(x=np.ones((2, 3))):
    return cr.sum(x @ x)


def leaves(x=2.0):
    raise SystemExit(3)


def inside(x=2.0):
    return breaks(x)


NUMBER = 3.0
"""


@pytest.fixture
def user(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_a_function_without_arguments_is_asked_for_what_it_returns(user):
    assert float(explain(f"{user}:nothing_given").gradients["x"]) == 6.0


def test_the_parameters_of_a_model_are_named_by_their_place(user):
    found = target(f"{user}:of_a_model")
    names = [f"model_{k}" for k in ("0_weight", "0_bias", "2_weight", "2_bias")]
    assert list(found.variables) == [*names, "x"]
    assert [t.name for t in found.parameters] == names


@pytest.mark.parametrize(
    ("values", "result"),
    [((), 8.0), (("power=2",), 4.0), (("x=3", "power=1"), 3.0), (("kind=sine",), np.sin(2.0))],
)
def test_whole_numbers_and_texts_are_settings(user, values, result):
    assert float(explain(f"{user}:of_settings", values).result) == pytest.approx(result)


def test_arguments_by_name_alone_are_given_by_name(user):
    assert float(explain(f"{user}:only", ("x=5",)).result) == 25.0


def test_of_an_array_the_sum_is_differentiated_and_that_is_said(user):
    found = explain(f"{user}:an_array")
    assert "the shape (3,)" in found.notes[0]
    np.testing.assert_array_equal(found.gradients["x"], [0.0, 2.0, 4.0])


USER_MISTAKES = (
    ("mine.py:nothing_givn", "did you mean nothing_given?"),
    ("mine.py:NUMBER", "NUMBER is no function"),
    ("mine.py", "which function?"),
    ("mien.py:f", "did you mean mine.py?"),
    ("no/where.py", "there is no folder"),
    ("mine.py:of_settings powr=2", "did you mean power?"),
    ("mine.py:of_settings x", "name=number"),
    ("mine.py:forgets", "returned nothing; return the loss"),
    ("mine.py:plain", "returned plain numbers"),
    ("mine.py:whole", "a truth value, which has no gradient"),
    ("mine.py:breaks", "NameError: name 'undefined' is not defined"),
    ("mine.py:breaks", "mine.py:46, in breaks\n    return y * undefined"),
    ("mine.py:inside", "in breaks"),
    ("mine.py:raises_ours", "mine.py:50, in raises_ours\n    return cr.sum(x @ x)"),
    ("mine.py:leaves", "SystemExit: 3"),
    ("mine.py:nothing_given x=1", "it takes no arguments"),
    ("bad.py:f", "bad.py:2: invalid syntax\n  x = = 2\n"),
    ("first.py:f", "ModuleNotFoundError"),
)


@pytest.mark.parametrize(("words", "said"), USER_MISTAKES, ids=[w for w, _ in USER_MISTAKES])
def test_a_mistake_in_a_file_is_shown_with_its_own_line(words, said, user):
    (user.parent / "bad.py").write_text("y = 1\nx = = 2\n")
    (user.parent / "first.py").write_text("import not_there_at_all\n\n\ndef f():\n    pass\n")
    name, *values = words.split()
    made = run("explain", f"{user.parent}/{name}", *values)
    assert made.exit_code == 2
    assert said in made.output.replace(f"{user.parent}/", "")
    assert "Traceback" not in made.output
    assert "site-packages" not in made.output
    assert "chainrule/" not in made.output


def test_a_file_may_import_its_neighbours(user):
    (user.parent / "neighbour.py").write_text("SCALE = 4.0\n")
    (user.parent / "uses.py").write_text(
        "from neighbour import SCALE\n\n\ndef f(x=2.0):\n    return SCALE * x\n"
    )
    assert float(explain(f"{user.parent}/uses.py").gradients["x"]) == 4.0


def test_what_a_file_prints_does_not_mix_with_json(user):
    user.write_text("print('hello')\n\n\ndef f(x=2.0):\n    print('there')\n    return x * x\n")
    made = run("explain", user, "--json")
    assert json.loads(made.stdout)["gradients"] == {"x": 4.0}


def test_the_guarded_part_of_a_file_does_not_run(user):
    user.write_text("def f(x=2.0):\n    return x\n\n\nif __name__ == '__main__':\n    1 / 0\n")
    assert run("explain", user).exit_code == 0


# ------------------------------------------------------------------ saved runs


def test_a_run_is_rebuilt_with_its_trained_weights(saved):
    told = json.loads((saved / "run.json").read_text())
    found = target(str(saved))
    x = np.asarray(told["sample"]["x"], np.float32)
    w = {n: t.value for n, t in found.variables.items()}
    h = np.maximum(x @ w["w1"].T + w["b1"], 0)
    h = np.maximum(h @ w["w2"].T + w["b2"], 0)
    logits = cr.tensor(h @ w["w3"].T + w["b3"])
    loss = cr.nn.losses.cross_entropy(logits, np.asarray(told["sample"]["y"]))
    assert found.output.item() == pytest.approx(loss.item(), rel=1e-5)
    assert set(told["sample"]["y"]) == {0, 1}


def test_rows_says_how_many_examples(saved):
    assert target(str(saved), ("rows=3",)).variables["x"].shape == (3, 2)


@pytest.fixture
def copied(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "moons-001"))


def changed(folder, **changes):
    told = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**told, **changes}))
    return folder


def without(folder, name):
    told = json.loads((folder / "run.json").read_text())
    told.pop(name)
    (folder / "run.json").write_text(json.dumps(told))
    return folder


def retold(folder, old, new):
    """A run whose weights come with another structure, in a file that is whole."""
    path = folder / "weights.safetensors"
    content = container.read(path)
    told = content.metadata["chainrule"].replace(old, new)
    container.write(path, content.arrays, {"chainrule": told})


SPOILT = {  # what was done to a run, and what is said
    "an unknown layer": (lambda f: retold(f, '"ReLU"', '"os.system"'), "no layer of chainrule's"),
    "an unknown loss": (lambda f: changed(f, loss="__import__"), "no loss of ours"),
    "other sizes": (
        lambda f: retold(f, '"out_features":3', '"out_features":4'), "its settings say (4, 2)"),
    "an older one": (lambda f: without(f, "sample"), "older version"),
    "no JSON": (lambda f: (f / "run.json").write_text("{"), "cannot be read as JSON"),
    "a list": (lambda f: (f / "run.json").write_text("[]"), "holds a list"),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), "there is no such file"),
    "broken weights": (
        lambda f: (f / "weights.safetensors").write_bytes(b"x" * 50), "never a safetensors"),
    "no run": (lambda f: (f / "run.json").unlink(), "is no run"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_run_is_told_in_words(what, copied):
    spoil, said = SPOILT[what]
    spoil(copied)
    made = run("explain", copied)
    assert made.exit_code == 2
    assert said in made.output
    assert "Traceback" not in made.output


RUN_MISTAKES = (
    ("moons-01", (), "did you mean moons-001?"), ("", (), "there are runs in it: moons-001"),
    ("moons-001", ("row=2",), "did you mean rows?"), ("moons-001", ("rows=0",), "1 or more"),
    ("moons-001", ("rows=1.5",), "whole number"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "values", "said"), RUN_MISTAKES)
def test_a_wrong_word_about_a_run_is_answered_with_the_right_one(name, values, said, copied):
    made = run("explain", copied.parent / name, *values)
    assert made.exit_code == 2
    assert said in made.output


# ------------------------------------------------------------------ files that are written

PICTURES = (("--draw", "svg"), ("--draw", "html"), ("--draw", "dot"), ("--draw", "mmd"),
            ("--animate", "html"), ("--animate", "svg"), ("--html", "html"))  # fmt: skip


@pytest.mark.parametrize(("option", "kind"), PICTURES)
@pytest.mark.parametrize("target_of", ["expression", "arrays", "run"])
def test_pictures_are_written(option, kind, target_of, tmp_path, saved):
    words = TARGETS.get(target_of) or [saved, "rows=2"]
    path = tmp_path / f"made.{kind}"
    made = run("explain", *words, option, path)
    assert made.exit_code == 0, made.output
    assert made.output == f"written to {path}\n"
    assert path.stat().st_size > 100


def test_the_comparison_is_drawn(tmp_path):
    pytest.importorskip("sympy")
    made = run("compare", "sin(x**2)", "x=1.5", "--plot", tmp_path / "ways.svg")
    assert made.exit_code == 0, made.output
    assert (tmp_path / "ways.svg").read_text().startswith("<svg")


def page_of(tmp_path, *words):
    path = tmp_path / "page.html"
    made = run("explain", *words, "--html", path)
    assert made.exit_code == 0, made.output
    return path.read_text("utf-8")


def test_the_page_has_everything_and_fetches_nothing(tmp_path):
    page = page_of(tmp_path, EXAMPLES / "two_layer.py:loss")
    for part in ("picture", "numbers", "derivation", "paths", "code", "transcript"):
        assert f'<section id="{part}">' in page
        assert f'href="#{part}"' in page
    assert "Not shown here" not in page
    assert "forward_and_backward" in page
    assert "<math" in page
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_a_part_that_cannot_be_made_says_so_in_its_place(tmp_path, user):
    user.write_text(
        "import chainrule as cr\n\n\ndef f(x=0.5):\n"
        "    for _ in range(300):\n        x = cr.sin(x)\n    return x\n"
    )
    page = page_of(tmp_path, user)
    assert "Not shown here" in page
    assert '<section id="code">' in page


def test_a_name_is_shown_on_the_page_and_never_run(tmp_path, user):
    user.write_text(
        "import chainrule as cr\n\n\ndef f():\n"
        "    return cr.tensor(2.0, name='</style></title><script>alert(1)</script>') ** 2\n"
    )
    assert "<script>alert" not in page_of(tmp_path, user)


FILE_MISTAKES = (
    (["--draw", "a.sgv"], "must end in one of .svg, .png"),
    (["--draw", "a.sgv"], "did you mean svg"),
    (["--draw", "picture"], "must end in one of"),
    (["--animate", "a.mp3"], "did you mean mp4"),
    (["--html", "a.svg"], "must end in one of .html"),
    (["--draw", "nowhere/a.svg"], "there is no folder nowhere"),
    (["--drwa", "a.svg"], "there is no option --drwa; did you mean --draw?"),
    (["--wrt", "q"], "there is no variable q; there are x"),
    (["--derive=matrx"], "--derive matrx: did you mean matrix?"),
    (["--code=julia"], "--code julia: there are numpy, torch, python"),
    (["--json", "--paths"], "--json prints the table"),
    (["--paper", "99"], "--paper: give a whole number from 0 to 12"),
)


@pytest.mark.parametrize(
    ("words", "said"), FILE_MISTAKES, ids=[" ".join(w) for w, _ in FILE_MISTAKES]
)
def test_a_wrong_option_is_told_before_anything_is_computed(words, said, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = run("explain", "sin(x)", "x=1", *words)
    assert made.exit_code == 2
    assert said in made.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "extra"), [("png", "pictures"), ("gif", "pictures"), ("mp4", "video")]
)
def test_a_missing_extra_is_told_before_anything_is_computed(kind, extra, monkeypatch, tmp_path):
    monkeypatch.setattr("chainrule.app.files.find_spec", lambda name: None)
    monkeypatch.setattr("chainrule.app.explain.target", pytest.fail)
    made = run("explain", "sin(x)", "x=1", "--animate", tmp_path / f"a.{kind}")
    assert made.exit_code == 2
    assert f'pip install "chainrule[{extra}]"' in made.output


def test_a_lone_option_does_not_take_the_value_after_it():
    made = run("explain", "sin(x)", "--code", "x=1")
    assert made.exit_code == 0, made.output
    assert "np.sin(x)" in made.output


def test_only_the_variables_asked_for_are_told():
    made = run("explain", "x * y", "x=2", "y=3", "--code", "--wrt", "y")
    assert '{"y": y_g}' in made.output
