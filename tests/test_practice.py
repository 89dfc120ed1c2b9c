"""Exercises: right answers count however they are written, and wrong ones are told why."""

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.study.formula import evaluate
from chainrule.study.practice import KINDS, SETS, practice, practice_set, verdict
from chainrule.study.practice.answer import cleaned, digits_of, is_a_number

VALUES = {"x": 1.5, "y": -0.7, "w": 0.4, "b": 2.0}


def of(text, **values):
    leaves = {n: cr.tensor(v, name=n) for n, v in {**VALUES, **values}.items()}
    return evaluate(text, leaves)


def layers(n=5):
    """A relu layer, an affine layer and the mean squared error of n samples."""
    rng = np.random.default_rng(11)
    shapes = {"x": (n, 2), "w1": (2, 4), "b1": (4,), "w2": (4, 1), "b2": (1,), "y": (n, 1)}
    p = {k: cr.tensor(rng.normal(size=s), name=k) for k, s in shapes.items()}
    u1 = (p["x"] @ p["w1"] + p["b1"]).named("u1")
    u2 = cr.relu(u1).named("u2")
    e = (u2 @ p["w2"] + p["b2"] - p["y"]).named("e")
    return cr.mean(e**2).named("L"), p


def asked(loss, name, kind="formula"):
    """The exercise of this kind about one variable."""
    return next(e for e in practice(loss, kinds=kind, count=200) if f"/∂{name}," in e.question)


FUNCTIONS = (
    "sin(x ** 2)", "(x + y) * b", "sigmoid(w * x + b)", "x * x + x", "x * sin(x)",
    "exp(w * x) / (1 + b)", "0.5 * (y - tanh(w * x + b)) ** 2", "maximum(x, y) * w",
    "log(b) * sqrt(x)", "relu(w * x + b) * x",
)  # fmt: skip


@pytest.mark.parametrize("text", FUNCTIONS)
def test_the_answer_of_every_exercise_is_right(text):
    for e in practice(of(text), count=200):
        assert e.check(e.answer), (e.question, e.answer, e.check(e.answer).words)


@pytest.mark.parametrize("name", SETS)
def test_the_answers_of_every_set_are_right(name):
    made = practice_set(name, count=100)
    wrong = [e for e in made if not e.check(e.answer)]
    assert wrong == []
    assert len(made) >= 10


@pytest.mark.parametrize("text", FUNCTIONS)
def test_a_wrong_answer_is_not_right(text):
    for e in practice(of(text), count=200):
        assert not e.check(f"({e.answer}) * 1.1 + 0.37")


def test_the_gradient_asked_for_is_the_engines():
    loss, p = layers()
    loss.backward()
    for name in ("w1", "b1", "w2", "b2", "x"):
        e = asked(loss, name)
        assert str(p[name].grad.shape).replace(" ", "") in e.given.replace(" ", "")
        assert e.check(e.answer)


@pytest.mark.parametrize(
    "answer",
    ["2*x*cos(x**2)", "cos(x**2) * 2 * x", "x*cos(x*x)*2", "(x + x)*cos(x²)",
     "np.cos(x**2) * 2 * x", "x_g = 2 · x · cos(u1)", "2*x*sin(x**2 + pi/2)"],
)  # fmt: skip
def test_every_way_to_write_a_formula_counts(answer):
    (e,) = practice(of("sin(x ** 2)"), kinds="formula", count=1)
    assert e.check(answer)


LINES = {  # a variable, answers that are right, however they are written
    "w1": ("x.T @ u1_g", "np.dot(x.T, u1_g)", "w1_g = x⊤ @ u1_g", "x.T.dot(u1_g)",
           "np.einsum('ni,nh->ih', x, u1_g)"),
    "b1": ("u1_g.sum(0)", "np.sum(u1_g, axis=0)", "sum(u1_g, 0)", "u1_g.sum(axis=0)"),
    "u1": ("u2_g * (u1 > 0)", "u2_g * np.where(u1 > 0, 1, 0)", "np.where(u2 > 0, u2_g, 0.0)",
           "u2_g ⊙ (u1 > 0)"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, found in LINES.items() for a in found])
def test_every_way_to_write_a_line_counts(name, answer):
    loss, _ = layers()
    e = next(e for e in practice(loss, kinds="code", count=99) if f"{name}_g = ?" in e.question)
    assert e.check(answer), e.check(answer).words


SCALAR = (  # function, variable, wrong answer, slip
    ("sin(x ** 2)", "x", "-2*x*cos(x**2)", "wrong sign"),
    ("sin(x ** 2)", "x", "cos(x**2)", "outer without inner"),
    ("sin(x ** 2)", "x", "2*x", "local gradient"),
    ("sin(x ** 2)", "x", "x*cos(x**2)", "missing factor"),
    ("sin(x ** 2)", "x", "-cos(x**2)", "outer without inner"),
    ("x * sin(x)", "x", "x*cos(x)", "product rule"),
    ("x * sin(x)", "x", "sin(x)", "product rule"),
    ("x * sin(x)", "x", "cos(x)", "product rule"),
    ("x * x + exp(x)", "x", "exp(x)", "missing term"),
    ("x * x + exp(x)", "x", "2*x", "missing term"),
    ("sin(cos(w * x))", "x", "cos(cos(w*x)) * w", "missing factor"),
    ("sin(cos(w * x))", "x", "w", "local gradient"),
    ("sigmoid(w * x + b) * y", "w", "sigmoid(w*x + b) * (1 - sigmoid(w*x + b)) * y",
     "outer without inner"),
    ("sigmoid(w * x + b) * y", "w", "y * x", "missing factor"),
    ("(x - y) ** 2", "y", "2*(x - y)", "wrong sign"),
    ("(x - y) ** 2", "y", "(x - y)", "missing factor"),
    ("sin(x ** 2)", "x", "cos(x", "unreadable"),
    ("sin(x ** 2)", "x", "q + 1", "unreadable"),
    ("sin(x ** 2)", "x", "", "unreadable"),
    ("sin(x ** 2)", "x", "x_g", "unreadable"),
    ("sin(x ** 2)", "x", "[x, 3]", "wrong shape"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "name", "answer", "slip"), SCALAR)
def test_a_slip_with_numbers_is_named(text, name, answer, slip):
    found = asked(of(text), name).check(answer)
    assert not found
    assert found.slip == slip, found.words


ARRAYS = (
    ("w1", "-2/N * x.T @ ((e @ w2.T) * (u1 > 0))", "wrong sign"),
    ("w1", "2 * x.T @ ((e @ w2.T) * (u1 > 0))", "missing factor"),
    ("w1", "1/N * x.T @ ((e @ w2.T) * (u1 > 0))", "missing factor"),
    ("w1", "x.T @ ((e @ w2.T) * (u1 > 0))", "missing factor"),
    ("w1", "2/N * x.T @ (e @ w2.T)", "missing factor"),
    ("w1", "2/N * x @ ((e @ w2.T) * (u1 > 0))", "missing transpose"),
    ("w1", "2/N * x.T @ ((e @ w2) * (u1 > 0))", "missing transpose"),
    ("w1", "(2/N * x.T @ ((e @ w2.T) * (u1 > 0))).T", "missing transpose"),
    ("w1", "2/N * ((e @ w2.T) * (u1 > 0))", "wrong shape"),
    ("w1", "2/N * (e @ w2.T) @ x.T", "wrong shape"),
    ("b1", "2/N * (e @ w2.T) * (u1 > 0)", "missing sum"),
    ("b1", "-2/N * (e @ w2.T) * (u1 > 0)", "missing sum"),
    ("b1", "2/N * np.sum((e @ w2.T) * (u1 > 0))", "wrong shape"),
    ("b1", "2/N * np.mean((e @ w2.T) * (u1 > 0), axis=0)", "missing factor"),
    ("b2", "2/N * e", "missing sum"),
    ("b2", "np.sum(e, axis=0)", "missing factor"),
    ("w2", "2/N * u2 @ e", "missing transpose"),
    ("w2", "2/N * u1.T @ e", ""),
    ("x", "2/N * ((e @ w2.T) * (u1 > 0)) @ w1", "missing transpose"),
    ("x", "2/N * ((e @ w2.T) * (u1 > 0))", "outer without inner"),
)


@pytest.mark.parametrize(("name", "answer", "slip"), ARRAYS)
def test_a_slip_with_arrays_is_named(name, answer, slip):
    loss, _ = layers()
    found = asked(loss, name).check(answer)
    assert not found
    assert found.slip in ({slip, "wrong shape"} if name == "x" else {slip}), found.words


def test_two_where_n_is_two_is_still_a_missing_factor():
    loss, _ = layers(2)
    assert asked(loss, "b2").check("np.sum(e, axis=0)").right  # 2/N is 1
    assert asked(loss, "b2").check("2 * np.sum(e, axis=0)").slip == "missing factor"


NUMBERS = (  # of the neuron, question, answer, slip ("" is right)
    ("What is a?", "0.7311", ""), ("What is a?", "0.7310", ""), ("What is a?", "0.731", ""),
    ("What is a?", "0.73", "digits"), ("What is a?", "1/(1+exp(-1))", ""),
    ("What is a?", "-0.7311", "wrong sign"), ("What is a?", "0.75", None),
    ("What does a send to z?", "-0.05288", ""), ("What does a send to z?", "0.05288", "wrong sign"),
    ("What does a send to z?", "0.1966", "local gradient"),
    ("What does a send to z?", "-0.2689", "upstream gradient"),
    ("What does a send to z?", "-0.0723", "added"),
    ("What does a send to z?", "-0.1057", "missing factor"),
    ("What does a send to z?", "a few", "unreadable"),
    ("∂a/∂z, as a number?", "0.1966", ""), ("∂a/∂z, as a number?", "0.7311", "value"),
    ("∂a/∂z, as a number?", "-0.05288", "not local"),
)  # fmt: skip


@pytest.mark.parametrize(("question", "answer", "slip"), NUMBERS)
def test_numbers_are_right_to_the_digits_asked_for(question, answer, slip):
    e = next(e for e in practice_set("seed0", count=99) if question in e.question)
    found = e.check(answer)
    assert found.right == (slip == "")
    assert slip is None or found.slip == slip, found.words


def test_a_number_may_be_given_as_a_number():
    e = next(e for e in practice_set("seed1", count=99) if "What is q?" in e.question)
    assert e.check(3)
    assert e.check(3.0)


HOSTILE = (
    "__import__('os')", "x.__class__", "(lambda: x)()", "x if x else y", "[x for x in y]",
    "open('a')", "np.load('a')", "9**9**9**9", "x" * 10_000, "(" * 500, "\0", "x[10**9]",
    "reshape(x, (9, 9))", "f'{x}'", "x.T.T.__init__", "np.sum(*x)", "x := 2", "yield",
)  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_an_answer_is_never_executed(answer):
    found = asked(of("sin(x ** 2)"), "x").check(answer)
    assert not found
    assert found.words


def test_hints_grow_from_the_rule_to_the_answer():
    loss, _ = layers()
    rule, local, answer = asked(loss, "w1").hints
    assert "chain rule" in rule
    assert "∂" in local
    assert "step(u1)" in local
    assert answer.startswith("w1_g = ")
    assert "∂L/∂w1 = " in answer


def test_the_same_seed_draws_the_same_exercises():
    questions = [[e.question for e in practice(of("x * sin(x) + w"), count=5, seed=s)]
                 for s in (3, 3, 4)]  # fmt: skip
    assert questions[0] == questions[1] != questions[2]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_kinds_asked_for_are_made(kind):
    made = practice(of("sigmoid(w * x) * x"), kinds=[kind], count=50)
    assert {e.kind for e in made} == {kind}


def test_seed_2_asks_for_the_gradients_the_article_leaves_as_exercises():
    asked_for = [e.question for e in practice_set("seed2")][:4]
    names = [q.partition("∂MSE/∂")[2].partition(",")[0] for q in asked_for]
    assert names == ["b1", "x", "w2", "b2"]


ARTICLE = {  # the article's answers, with the slips of its print
    "x": ("2/N * (e @ w2.T) @ w1.T", "missing factor"),
    "w1": ("2/N * e @ w2.T @ x.T", "wrong shape"),
    "b2": ("2/N * e", "missing sum"),
}


@pytest.mark.parametrize("name", ARTICLE)
def test_the_slips_of_the_article_are_found(name):
    answer, slip = ARTICLE[name]
    e = next(e for e in practice_set("seed2") if f"∂MSE/∂{name}," in e.question)
    assert e.check(answer).slip == slip


def test_practice_lists_its_questions_and_escapes_names():
    x = cr.tensor(2.0, name="</pre><script>")
    made = practice(x * x)
    assert str(made).startswith(made.given)
    assert "<script" not in made._repr_html_()


def test_a_check_that_always_agreed_would_be_noticed(monkeypatch):
    monkeypatch.setattr(verdict, "_same", lambda a, b: True)
    assert asked(of("sin(x ** 2)"), "x").check("0")  # so the tests above can fail


REFUSED = {
    "no history": (lambda: practice(3.0), cr.UsageError, "practice: of a float"),
    "not one number": (lambda: practice(cr.tensor([1.0, 2.0]) * 2), cr.ScalarError, "practice"),
    "an unknown kind": (lambda: practice(of("x * w"), kinds="codes"), cr.UsageError, "mean code"),
    "an unknown set": (lambda: practice_set("seed22"), cr.UsageError, "mean seed2"),
    "none": (lambda: practice(of("x * w"), count=0), cr.UsageError, "count=0"),
    "of something else": (
        lambda: practice(of("x * w"), wrt=cr.tensor(1.0, name="q")), cr.PathError, "on q"),
    "too large": (lambda: practice(long()), cr.UsageError, "more than the 150"),
    "not there": (lambda: practice(of("x * w"))[99], cr.AxisError, "no exercise 99"),
}  # fmt: skip


def long():
    x = cr.tensor(1.0, name="x")
    for _ in range(200):
        x = cr.sin(x)
    return x


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_practised_is_said_in_words(name):
    wrong, kind, words = REFUSED[name]
    with refused(kind, words):
        wrong()


def test_answers_are_cleaned_and_their_digits_counted():
    assert cleaned("b1_g = u1_g.sum(0)") == "u1_g.sum(0)"
    assert cleaned("x == 2") == "x == 2"
    assert [digits_of(t) for t in ("0.27", "-0.0532", "12", "1.20e-5")] == [2, 3, 2, 3]
    assert all(is_a_number(t) for t in ("0.27", "-.5", "1e-3"))
    assert not any(is_a_number(t) for t in ("0.5*2", "x"))
