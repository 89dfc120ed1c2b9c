"""The command line from outside: what it prints, what it writes, how it fails."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from processes import said
from safetensors import safe_open

from chainrule.app.cli import main
from chainrule.app.doctor import EXTRAS, facts
from chainrule.app.terminal import Commands
from chainrule.graph.errors import UsageError
from chainrule.train.data.tables.columns import Preparation
from chainrule.train.data.tables.csvfile import read_csv

FILES = {"weights.safetensors", "history.jsonl", "run.json", "report.html", "checkpoints"}


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)), prog_name="chainrule")


@pytest.fixture
def fruit(tmp_path):
    path = tmp_path / "fruit.csv"
    lines = [f"{k},{('round', 'long')[k % 2]},{('apple', 'pear')[k % 2]}" for k in range(60)]
    path.write_text("weight,shape,fruit\n" + "\n".join(lines))
    return path


@pytest.mark.parametrize(
    "words", [[], ["--help"], ["train", "--help"], ["explain", "--help"], ["doctor", "--help"]]
)
def test_every_help_has_an_example(words):
    assert "chainrule " in run(*words).output.partition("\n")[2]


def test_the_first_screen_shows_what_to_try():
    told = run("--help").output
    assert all(
        f"  chainrule {w}" in told
        for w in ("train digits", 'explain "', "train YOUR.csv", "practice")
    )


def test_the_module_and_the_command_are_the_same():
    made = subprocess.run(
        [sys.executable, "-m", "chainrule", "--version"], capture_output=True, text=True, check=True
    )
    assert made.stdout == run("--version").output
    assert made.stdout.startswith("chainrule ")


def test_explain_prints_every_node_with_its_numbers():
    told = run("explain", "(x + y) * z", "x=-2", "y=5", "z=-4").output
    rows = [line.split() for line in told.splitlines()]
    assert ["u2", "u1", "*", "z", "-12", "1", "u1", "-4", "-4"] in rows
    assert ["z", "3", "3"] in rows
    assert ["gradient", "of", "z", "3"] in rows


def test_explain_shows_a_sum_where_gradients_meet():
    assert "3 + 3 + 1 = 7" in run("explain", "x * x + x", "x=3").output


@pytest.mark.parametrize("expression", ["-x ** 2", "--x", "- x"])
def test_an_expression_may_begin_with_a_minus(expression):
    assert run("explain", expression, "x=3").exit_code == 0


FAILURES = (
    (["explain", "x + q", "x=1"], "q has no value\n  x + q\n      ^"),
    (["explain", "x +", "x=1"], "ends too early"),
    (["explain", "x", "x"], "name=number"),
    (["explain", "x > 1", "x=1"], "truth value"),
    (["train", "mons"], "did you mean moons"),
    (["train", "nothing.csv", "--target", "x"], "no such file"),
    (["train", "moons", "--hidden", "8 q"], "'q' is no size"),
    (["train", "moons", "--target", "x"], "--target is for files"),
    (["train", "moons", "--epochs", "0"], "--epochs 0: give a whole number, 1 or more"),
    (["train", "moons", "--activation", "rulu"], "did you mean relu?"),
    (["dokter"], "there is no command dokter; did you mean doctor?"),
    (["train", "--ephocs", "3"], "there is no option --ephocs; did you mean --epochs?"),
    (["train", "moons", "--epochs"], "--epochs needs a value"),
    (["explain"], "FUNCTION is missing"),
    (["doctor", "x"], "got unexpected extra argument (x)"),
    (["--wersion"], "there is no option --wersion; did you mean --version?"),
)


@pytest.mark.parametrize(("words", "said"), FAILURES, ids=[" ".join(w) for w, _ in FAILURES])
def test_a_mistake_ends_with_code_2_and_no_traceback(words, said):
    made = run(*words)
    assert made.exit_code == 2
    assert said in made.output
    assert "Traceback" not in made.output
    assert "made at" not in made.output


def test_a_csv_without_a_target_lists_its_columns(fruit):
    made = run("train", fruit)
    assert made.exit_code == 2
    assert "weight, shape, fruit" in made.output


def test_a_missing_extra_is_one_line_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    made = run("train", "digits", "--out", tmp_path)
    assert made.exit_code == 2
    assert made.output.strip().count("\n") == 0
    assert 'pip install "chainrule[data]"' in made.output


@pytest.mark.parametrize("name", ["moons", "circles", "spiral", "blobs", "xor"])
def test_every_made_data_set_trains_and_writes_its_run(name, tmp_path):
    made = run("train", name, "--epochs", 2, "--out", tmp_path)
    assert made.exit_code == 0, made.output
    folder = tmp_path / f"{name}-001"
    assert {p.name for p in folder.iterdir()} == FILES
    assert "test accuracy" in made.output
    assert "epoch 2/2  loss" in made.output


def test_digits_reach_their_accuracy_with_the_defaults(tmp_path):
    pytest.importorskip("sklearn")
    made = run("train", "digits", "--quiet", "--out", tmp_path)
    result = json.loads((tmp_path / "digits-001" / "run.json").read_text())["result"]
    assert result["accuracy"] >= 0.96
    assert f"test accuracy {result['accuracy']:.4f}" in made.output


def test_a_second_run_does_not_touch_the_first(tmp_path):
    words = ("train", "xor", "--epochs", 1, "--quiet", "--out", tmp_path)
    run(*words)
    before = (tmp_path / "xor-001" / "run.json").read_text()
    run(*words, "--seed", 1)
    assert (tmp_path / "xor-001" / "run.json").read_text() == before
    assert {p.name for p in tmp_path.iterdir()} == {"xor-001", "xor-002"}


def test_a_number_is_not_given_again_when_an_early_run_was_removed(tmp_path):
    (tmp_path / "xor-007").mkdir()
    run("train", "xor", "--epochs", 1, "--quiet", "--out", tmp_path)
    assert (tmp_path / "xor-008").is_dir()


def test_an_error_of_ours_hides_the_line_of_our_own_program():
    group = Commands()

    @group.command("fail")
    def fail():
        raise UsageError("what was asked\n  made at cli.py:1    main()")

    made = CliRunner().invoke(group, ["fail"])
    assert (made.exit_code, made.output) == (2, "error: what was asked\n")


def test_the_same_seed_gives_the_same_weights(tmp_path):
    for _ in range(2):
        run("train", "xor", "--epochs", 2, "--quiet", "--out", tmp_path)
    a, b = ((tmp_path / f"xor-00{k}" / "weights.safetensors").read_bytes() for k in (1, 2))
    assert a == b


def test_the_weights_and_their_preparation_predict_what_the_run_did(fruit, tmp_path):
    run("train", fruit, "--target", "fruit", "--quiet", "--out", tmp_path)
    with safe_open(tmp_path / "fruit-001" / "weights.safetensors", "np") as file:
        w = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118  not a dict
        told = json.loads(file.metadata()["chainrule"])["told"]["preparation"]
    x = Preparation.from_json(told["columns"]).transform(read_csv(fruit)).astype(np.float32)
    for k in ("0", "2"):
        x = np.maximum(x @ w[f"{k}.weight"].T + w[f"{k}.bias"], 0)
    best = (x @ w["4.weight"].T + w["4.bias"]).argmax(1)
    truth = np.array([told["classes"].index(c) for c in read_csv(fruit).columns["fruit"]])
    assert np.mean(best == truth) > 0.9


def test_regression_says_so_and_reports_in_units_of_the_target(tmp_path):
    path = tmp_path / "line.csv"
    path.write_text("x,y\n" + "".join(f"{k / 10},{1000 + 50 * k}.5\n" for k in range(200)))
    made = run("train", path, "--target", "y", "--out", tmp_path)
    assert "regression: y holds 200 different numbers with decimals" in made.output
    result = json.loads((tmp_path / "line-001" / "run.json").read_text())["result"]
    assert result["r2"] > 0.99
    assert 1 < result["mae"] < 200


def test_the_history_has_a_strict_json_line_for_every_epoch(tmp_path):
    run("train", "blobs", "--optimizer", "sgd", "--lr", 1e6, "--epochs", 3, "--out", tmp_path)
    lines = (tmp_path / "blobs-001" / "history.jsonl").read_text().splitlines()
    rows = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [r["epoch"] for r in rows] == list(range(1, 1 + len(rows)))


def test_a_training_that_diverges_is_said(tmp_path):
    told = run(
        "train", "blobs", "--optimizer", "sgd", "--lr", 1e6, "--epochs", 3, "--out", tmp_path
    )
    assert "layer 0: not finite" in told.output
    assert "try a smaller --lr" in told.output
    assert "layers 0, 2, 4 are not finite: " in told.output
    assert "layers 0, 2, 4 are not finite: " in run("show", tmp_path / "blobs-001").output


def test_every_layer_has_a_line_with_its_verdict(tmp_path):
    told = run("train", "moons", "--epochs", 3, "--out", tmp_path).output
    assert [w for w in told.splitlines() if w.startswith("layer ") and ": healthy (" in w]
    assert told.count("\nlayer ") == 3


@pytest.mark.parametrize(
    ("activation", "figure"), [("relu", "dead units"), ("sigmoid", "saturated units")]
)
def test_the_verdict_rests_on_the_figure_of_the_activation(activation, figure, tmp_path):
    words = ("train", "moons", "--epochs", 1, "--activation", activation, "--out", tmp_path)
    assert run(*words).output.count(figure) == 2


def test_quiet_prints_the_result_alone(tmp_path):
    told = run("train", "moons", "--epochs", 1, "--quiet", "--out", tmp_path).output
    assert len(told.strip().splitlines()) == 2


TAKEN = ("7 rows without y left out",
         "left out: name is text that differs in every row, as a name does",
         "left out: k is constant, '7' in every row")  # fmt: skip


def test_quiet_says_beside_the_result_what_was_taken_from_the_data_unasked(tmp_path):
    rows = [f"{j * 0.37 % 1:.3f},n{j}x,7,{j % 2},{'' if j % 9 == 0 else j * 1.5}"
            for j in range(60)]  # fmt: skip
    (tmp_path / "t.csv").write_text("a,name,k,b,y\n" + "\n".join(rows))
    words = ("train", tmp_path / "t.csv", "--target", "y", "--drop", "b", "--epochs", 1)
    quiet = run(*words, "--quiet", "--out", tmp_path)
    assert quiet.stderr.splitlines() == [f"t: {note}" for note in TAKEN]
    assert len(quiet.stdout.splitlines()) == 2
    loud = run(*words, "--out", tmp_path)
    assert loud.stderr == ""
    assert all(f"  {note}\n" in loud.stdout for note in TAKEN)


def test_quiet_says_beside_the_result_what_is_odd_in_arrays(tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3)) * [1, 0, 1]
    np.savez(tmp_path / "odd.npz", X=X, y=X[:, 0])
    made = run("train", tmp_path / "odd.npz", "--epochs", 1, "--quiet", "--out", tmp_path)
    assert "odd: column 1 is constant" in made.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_keeps_what_there_is(sent, code, tmp_path):
    words = ("train", "moons", "--epochs", "1000000", "--out", str(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "chainrule", *words], stdout=subprocess.PIPE, text=True,
        preexec_fn=hears_interrupts,
    ) as made:  # fmt: skip
        try:
            assert next(line for line in made.stdout if line.startswith("epoch"))
            made.send_signal(sent)
            told, _ = made.communicate(timeout=60)
        finally:
            made.kill()
    assert made.returncode == code
    assert ": stopped, " in told
    assert "stopped; to go on: chainrule train --resume " in told
    assert {p.name for p in (tmp_path / "moons-001").iterdir()} == FILES


WRITING = """
import os, signal
import chainrule.app.writing as writing
from chainrule.app.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)
page = writing.page

def interrupted(report):
    os.kill(os.getpid(), signal.SENT)
    return page(report)

writing.page = interrupted
main(["train", "moons", "--epochs", "2", "--quiet", "--out", OUT])
"""


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
@pytest.mark.parametrize("sent", ["SIGINT", "SIGTERM"])
def test_an_interrupt_while_the_report_is_written_waits_for_it(sent, tmp_path):
    told = said(WRITING.replace("SENT", sent).replace("OUT", repr(str(tmp_path))))
    assert "report.html" in told
    folder = tmp_path / "moons-001"
    assert json.loads((folder / "run.json").read_text())["status"] == "finished"
    assert "</html>" in (folder / "report.html").read_text()


def hears_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores it


def test_the_doctor_names_versions_processor_blas_and_extras():
    told = [what for what, _ in facts()]
    assert {"numpy", "python", "platform", "cpu", "blas", "extra data"} <= set(told)


def test_the_doctor_shows_the_variables_that_slow_numpy(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    assert ("OPENBLAS_CORETYPE", "Prescott  (changes how fast NumPy is)") in facts()


def test_the_doctor_knows_every_extra_and_what_it_needs():
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    known = {extra: {package for _, package in needs} for extra, needs in EXTRAS.items()}
    assert known == {k: {re.split("[><=]", p)[0] for p in v} for k, v in extras.items()}


def test_the_doctor_says_how_to_get_what_is_missing(monkeypatch):
    monkeypatch.setattr("chainrule.app.doctor.find_spec", lambda name: None)
    assert ("extra data", 'missing; pip install "chainrule[data]"') in facts()


def test_the_doctor_is_polite_where_numpy_brings_no_openblas(monkeypatch):
    monkeypatch.setattr("chainrule.app.doctor._openblas", lambda: None)
    assert ("blas core type", "not to be had: no OpenBLAS is bundled with NumPy") in facts()


# ------------------------------------------------------------------ the page

ROOT = Path(__file__).parent.parent
NET = """
import chainrule as cr

def model(inputs, outputs, seed):
    return cr.nn.Sequential(cr.nn.Linear(inputs, 4), cr.nn.Linear(4, outputs), seed=seed)
"""


def test_every_command_of_the_page_does_what_it_says(tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("resvg_py")
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    lines = [f"{40 + k},{('a', 'b')[k % 2]},{1000 * k + 40000}" for k in range(60)]
    for name in ("houses.csv", "new-houses.csv"):
        (tmp_path / name).write_text("area,kind,price\n" + "\n".join(lines))
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(60, 3)))
    np.save(tmp_path / "y.npy", np.arange(60) % 2)
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "run.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```\n(.*?)^```$", page, re.M | re.S)
    commands = [c for b in blocks for c in b.splitlines() if c.startswith("chainrule ")]
    run("train", "digits", "--epochs", 1, "--quiet")
    for command in commands:
        words = shlex.split(command)[1:]
        short = ["--epochs", "1", "--schedule", "constant"] if words[0] == "train" else []
        made = CliRunner().invoke(main, [*words, *short], input="skip\n" * 99)
        assert made.exit_code == 0, f"{command}: {made.output}"
    assert len(commands) >= 20
