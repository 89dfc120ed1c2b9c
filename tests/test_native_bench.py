"""The benchmark's program: what it leaves out and says, and how it takes ratios; nothing timed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks" / "native"
WORK = "2-16-16-1, batch 1"


def row(*seconds):
    """What rounds found of a system."""
    return [{"seconds": s, "first": 0.25, "check": 0.43, "memory": 1} for s in seconds]


@pytest.fixture
def bench(monkeypatch):
    """The benchmark's modules, which stand beside each other."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FOLDER))
    import systems
    import tables

    yield systems, tables
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def shown(*arguments):
    """The program's result, without a rule about warnings of its own."""
    command = [sys.executable, str(FOLDER / "run.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8")


def test_a_ratio_is_taken_inside_a_round_and_its_median_counts(bench):
    _, tables = bench
    rows = {"chainrule": row(1, 6, 2), "torch": row(4, 8, 2), "jax": row(9, 9, 9)}
    assert tables.ratio(rows, ["chainrule", "chainrule_scan"], ["torch", "jax"]) == 0.75
    assert tables.ratio(rows, ["chainrule"], ["numpy"]) is None


def test_numbers_found_before_are_shown_as_tables_a_picture_and_for_a_document(tmp_path):
    found = {WORK: {"chainrule": row(2e-6), "torch": row(2e-4), "jax_scan": row(4e-6)}}
    at = tmp_path / "found.json"
    at.write_text(json.dumps(found), encoding="utf-8")
    made = shown("--of", at, "--markdown")
    assert made.returncode == 0, made.stderr
    ratios = made.stdout.partition("ratios of our best")[2].splitlines()
    assert ratios[4].split()[3:] == ["0.50", "JAX", "scan", "0.01", "0.0044", "454.55"]
    assert f"| {WORK} | 2.0 |" in made.stdout
    assert "JAX jit" not in made.stdout.partition("| work")[0]
    assert "scan" in at.with_suffix(".svg").read_text("utf-8")


def test_systems_that_do_not_compute_the_same_are_not_compared(tmp_path):
    wrong = [row(1.0)[0] | {"check": 0.5}]
    at = tmp_path / "found.json"
    at.write_text(json.dumps({WORK: {"chainrule": row(1.0), "torch": wrong}}), encoding="utf-8")
    made = shown("--of", at)
    assert made.returncode == 1
    assert "the systems disagree" in made.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--systems", "torhc"), "no system is called torhc; there are chainrule, "),
        (("--only", "transformer"), "no work has 'transformer' in its name; there are 2-16-16-1"),
        (("--rounds", "0"), "--rounds: at least 1"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(arguments, told):
    made = shown(*arguments)
    assert made.returncode == 2
    assert told in made.stderr


def test_a_system_that_is_not_there_says_why(bench, monkeypatch):
    systems, _ = bench
    assert systems.absence("numpy", sys.executable) is None
    assert systems.absence("jax", "/nowhere/python") == "/nowhere/python: No such file or directory"
    missing = systems.SYSTEMS["jax"]._replace(module="nowhere_at_all")
    monkeypatch.setitem(systems.SYSTEMS, "jax", missing)
    assert systems.absence("jax", sys.executable) == "nowhere_at_all is not installed"


def test_the_reason_is_the_line_of_the_error(bench):
    systems, _ = bench
    told = (
        "Traceback:\n  File x\nexc.InductorError: no compiler\n\n  hint\nSet VERBOSE=1 for more\n"
    )
    assert systems.reason(told) == "exc.InductorError: no compiler"
    assert systems.reason("") == ""
    with pytest.raises(systems.UnableError, match="KeyError: 'nothing'"):
        systems.python(sys.executable, "-c", "{}['nothing']")
