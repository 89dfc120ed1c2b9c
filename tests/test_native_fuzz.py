"""Random programs over the whole catalogue give the same numbers by NumPy and by machine code."""

from dataclasses import replace
from runpy import run_path

import numpy as np
import pytest
from fuzzing import checks, graphs
from fuzzing.checks import Run, check, eagerly, unexplained
from fuzzing.drawing import Draw
from fuzzing.graphs import Given, Program, Step
from fuzzing.programs import MAKERS, draw
from fuzzing.rewriting import rewrite
from fuzzing.shrinking import candidates

import chainrule as cr
from chainrule.ops.catalogue import CATALOGUE

BLOCKS, EACH = 12, 10  # tests, and programs in each

# Functions that no program is drawn with, and why.
UNDRAWN = {
    "trace": "chainrule.trace is not a matrix's", "einsum": "in the sweep over the catalogue",
    "unstack": "picks of getitem", "broadcast_arrays": "broadcast_to", "transpose": "permute_dims",
    "nonzero": "its shape depends on values", "real": "of complex numbers", "conj": "as real",
    "imag": "as real", "custom": "a user's own op",
}  # fmt: skip


@pytest.mark.parametrize("block", range(BLOCKS))
def test_a_random_program_gives_the_same_by_machine_code(block):
    for seed in range(block * EACH, (block + 1) * EACH):
        found = check(draw(seed), seed)
        assert found is None, f"seed {seed}: {found.kind}: {found.text}\n{draw(seed)}"


def test_a_seed_gives_the_same_program_again():
    for seed in range(50):
        assert str(draw(seed)) == str(draw(seed))


def test_programs_are_drawn_with_every_function_of_the_catalogue():
    missing, seed = set(CATALOGUE) - set(UNDRAWN), 0
    while missing and seed < 6000:
        missing -= _names(draw(seed))
        seed += 1
    assert not missing


def _names(program: Program) -> set[str]:
    steps = [n for n in program.nodes.values() if isinstance(n, Step)]
    return {s.name for s in steps}.union(*(_names(s.body) for s in steps if s.body is not None))


def test_programs_have_ones_and_zeros_in_shapes_several_outputs_and_gradients():
    programs = [draw(seed) for seed in range(300)]
    shapes = [np.shape(x) for p in programs for x in p.given]
    assert sum(0 in s for s in shapes) > 5
    assert sum(1 in s for s in shapes) > 50
    assert {p.order for p in programs} == {0, 1, 2}
    assert sum(len(set(p.outputs)) < len(p.outputs) for p in programs) > 5


# The check can fail --------------------------------------------------------------------------


def _small() -> Program:
    x = Given(np.linspace(-1.0, 1.0, 7))
    return Program({0: x, 1: Step("tanh", (0,)), 2: Step("sum", (1,))}, (1, 2))


def test_a_wrong_number_is_found(monkeypatch):
    assert check(_small()) is None
    before = checks.leaves
    wrong = lambda made: [y + 1e-9 * (type(y) is np.ndarray) for y in before(made)]  # noqa: E731
    honest = Run.__call__
    monkeypatch.setattr(Run, "__call__", lambda *a, **b: wrong(honest(*a, **b)))
    assert check(_small()).kind == "values"


def test_other_bits_from_the_disk_are_found(monkeypatch):
    honest = Run.__call__
    wrong = lambda run, *a, **b: [y + run.disk for y in honest(run, *a, **b)]  # noqa: E731
    monkeypatch.setattr(Run, "__call__", wrong)
    found = [check(_small(), seed) for seed in range(60)]
    assert "disk" in {f.kind for f in found if f is not None}


def test_what_rounding_decides_is_not_a_difference():
    x, floors = np.array([1.0, 2.5]), np.array([1.0, 2.0])
    run = Run(Program({0: Given(x), 1: Step("floor", (0,))}, (1,)), 1, None)
    run([x])
    noisy = lambda k: run.noisy([x], k)  # noqa: E731
    assert unexplained([floors], [np.array([0.0, 2.0])], noisy) is None
    assert unexplained([floors], [np.array([0.0, 2.0])], lambda k: [floors]) is not None
    assert unexplained([floors], [np.array([0.0, 3.0])], noisy) is not None


def _said(program: Program) -> tuple[list, list, object]:
    """Its results twice the same by NumPy, and its runs with noise."""
    run = Run(program, 1, None)
    run(program.given)
    want = eagerly(program, program.given)
    return want, [w.copy() for w in want], lambda k: run.noisy(program.given, k)


@pytest.mark.parametrize("name", ["relu", "elu"])
def test_the_sign_of_a_largest_zero_is_not_a_difference(name):
    nodes = {0: Given(np.array([-0.0, 1.0])), 1: Step(name, (0,)), 2: Step("sin", (1,))}
    want, got, noisy = _said(Program({**nodes, 3: Step("signbit", (2,))}, (3,)))
    got[0][0] = ~got[0][0]
    assert unexplained(want, got, noisy) is None
    got[0][1] = ~got[0][1]
    assert unexplained(want, got, noisy) is not None


def test_rounding_in_the_gradient_of_ties_is_not_a_difference():
    x = Given(np.linspace(1.0, 2.0, 400))
    ties = Program({0: x, 1: Step("divide", (0, 0)), 2: Step("min", (1,))}, (2,), order=1)
    want, got, noisy = _said(ties)  # x/x is 1 everywhere: the gradient is 0, rounded or not
    got[1] += 1e-17
    assert unexplained(want, got, noisy) is None
    got[1] += 1e-12
    assert unexplained(want, got, noisy) is not None


def test_a_product_that_underflows_in_another_order_is_not_a_difference():
    x = Given(np.array([1e-30, 1e-30, 1e30, 1e30], np.float32))
    want, got, noisy = _said(Program({0: x, 1: Step("prod", (0,))}, (1,)))
    got[0] = got[0] + np.float32(1.0)
    assert unexplained(want, got, noisy) is None


def test_bytes_written_beside_an_array_are_seen():
    memory = checks.Guarded(0xFF)
    array = memory.empty((3,), np.float32)
    assert np.isnan(array).all()
    assert memory.broken() is None
    np.lib.stride_tricks.as_strided(array, (4,))[3] = 1.0
    assert "beside" in memory.broken()


def test_an_input_that_is_written_is_seen(monkeypatch):
    run = Run(_small(), 1, None)
    x = np.linspace(-1.0, 1.0, 7)
    assert len(run([x])) == 2
    monkeypatch.setattr(checks, "same_bits", lambda a, b: False)
    with pytest.raises(MemoryError, match="an input"):
        run([x])


def test_a_rewriting_keeps_the_values():
    done = 0
    for seed in range(60):
        program = replace(draw((seed, 1)), order=0)
        other = rewrite(program, np.random.default_rng(seed))
        if other is not None:
            done += 1
            for a, b in zip(*(eagerly(p, p.given) for p in (program, other)), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    assert done > 20


def test_a_program_is_cut_down_to_smaller_ones_that_still_run():
    for seed in range(0, 40, 4):
        program = replace(draw(seed), order=0)
        for smaller in candidates(program):
            assert set(smaller.outputs) <= set(smaller.nodes)
            eagerly(smaller, smaller.given)


@pytest.mark.filterwarnings("ignore")  # of NumPy, about numbers outside of a domain
def test_a_printed_program_is_the_program(tmp_path):
    for seed in range(0, 60, 3):
        program = draw(seed)
        (tmp_path / "said.py").write_text(str(program).partition("print(g(")[0])
        space = run_path(str(tmp_path / "said.py"))
        got = checks.leaves(space["f"](*(space[f"v{k}"] for k in program.inputs)))
        want = eagerly(replace(program, order=0), program.given)
        assert checks.same_bits(want, got)


def test_a_printed_body_may_have_the_names_of_numbers_outside(tmp_path):
    body = Program({0: Given(np.ones(2)), 1: Given(np.ones(2)), 2: Step("add", (0, 1))}, (2,))
    scan = Step("scan", (0, 2), (0, 1), {"length": 3}, body)
    nodes = {0: Given(np.ones((3, 2))), 2: Given(np.ones(2)), 3: scan, 4: Step("pick", (3,), (0,))}
    (tmp_path / "said.py").write_text(str(Program(nodes, (4,))))
    assert run_path(str(tmp_path / "said.py"))["f"](np.ones((3, 2)), np.ones(2))[0].sum() == 12.0


def test_every_maker_makes_something():
    for make in MAKERS:
        made = 0
        for seed in range(40):
            d = Draw(seed)
            d.grow({make: 1.0}, 4)
            made += any(isinstance(n, Step) for n in d.nodes.values())
        assert made > 3, make.__name__


def test_a_call_is_that_of_our_function():
    x = np.array([1.0, 4.0])
    np.testing.assert_array_equal(graphs.call(Step("sqrt", (0,)), [x]), cr.sqrt(x))
