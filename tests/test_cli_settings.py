"""Settings of a run: one table, and every way of giving them means the same."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.app.cli import COMMANDS, main
from chainrule.app.config import chosen, line_of
from chainrule.app.network import NORMS, network, parts, plain
from chainrule.app.phrases import phrase
from chainrule.app.recipe import OPTIMIZERS, SCHEDULES, clip, optimizer
from chainrule.app.settings import GROUPS, SETTINGS
from chainrule.app.values import Unfit
from chainrule.graph.errors import ExpressionError, UsageError
from chainrule.nn.activations import ACTIVATIONS

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = {  # setting → what is typed, as TOML has it, what it means
    "data": ("moons", '"moons"', "moons"),
    "target": ("price", '"price"', "price"),
    "task": ("regression", '"regression"', "regression"),
    "categorical": ("code", '["code"]', ("code",)),
    "drop": ("name", '"name"', ("name",)),
    "model": ("8 relu", '"8 relu"', "8 relu"),
    "hidden": ("8 4", "[8, 4]", (8, 4)),
    "activation": ("tanh", '"tanh"', "tanh"),
    "loss": ("huber", '"huber"', "huber"),
    "optimizer": ("sgd momentum=0.5", '"sgd momentum=0.5"', "sgd momentum=0.5"),
    "lr": ("1e-2", "0.01", 0.01),
    "schedule": ("cosine warmup=9", '"cosine warmup=9"', "cosine warmup=9"),
    "clip": ("norm 1", '"norm 1"', "norm 1"),
    "epochs": ("7", "7", 7),
    "batch_size": ("16", "16", 16),
    "accumulate": ("2", "2", 2),
    "class_weight": ("balanced", '"balanced"', "balanced"),
    "metric": ("mae", '["mae"]', ("mae",)),
    "patience": ("3", "3", 3),
    "seed": ("0", "0", 0),
    "out": ("elsewhere", '"elsewhere"', "elsewhere"),
    "checkpoint": ("100", "100", 100),
    "quiet": ("true", "true", True),
}
NONSENSE = {  # setting → what it refuses, typed, and a word of what is said
    "task": ("clasification", "did you mean classification"),
    "hidden": ("8 q", "'q' is no size"),
    "activation": ("rulu", "did you mean relu"),
    "loss": ("huberr", "did you mean huber"),
    "lr": ("-1", "a number above 0"),
    "epochs": ("0", "a whole number, 1 or more"),
    "batch_size": ("1.5", "a whole number, 1 or more"),
    "accumulate": ("x", "a whole number, 1 or more"),
    "class_weight": ("balance", "did you mean balanced"),
    "metric": ("acuracy", "did you mean accuracy"),
    "patience": ("no", "a whole number, 1 or more"),
    "seed": ("-1", "a whole number, 0 or more"),
    "checkpoint": ("0", "a whole number, 1 or more"),
    "quiet": ("maybe", "true or false"),
}


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)), prog_name="chainrule")


def test_every_setting_has_an_example_here():
    assert set(EXAMPLES) == set(SETTINGS)


@pytest.mark.parametrize("key", SETTINGS)
def test_option_set_and_file_mean_the_same(key, tmp_path):
    typed, written, value = EXAMPLES[key]
    path = tmp_path / "a.toml"
    path.write_text(f"{key} = {written}\n")
    option = True if SETTINGS[key].is_flag else (typed,) if SETTINGS[key].many else typed
    ways = (chosen({key: option}), chosen({}, (f"{key}={typed}",)), chosen({}, (), str(path)))
    assert [w[key] for w in ways] == [value] * 3
    assert all(w.asked(key) for w in ways)


@pytest.mark.parametrize("key", NONSENSE)
def test_a_mistake_is_named_with_its_place_in_every_way(key, tmp_path):
    typed, said = NONSENSE[key]
    path = tmp_path / "a.toml"
    path.write_text(f'# one line before\n{key} = "{typed}"\n')
    option = (typed,) if SETTINGS[key].many else typed
    for where, given in (
        (f"{SETTINGS[key].option} {typed}: ", ({key: option},)),
        (f"--set {key}={typed}: ", ({}, (f"{key}={typed}",))),
        (f'{path}, line 2: {key} = "{typed}": ', ({}, (), str(path))),
    ):
        with pytest.raises(UsageError) as caught:
            chosen(*given)
        assert str(caught.value).startswith(where)
        assert said in str(caught.value)


@pytest.mark.parametrize("key", SETTINGS)
def test_every_setting_is_in_the_help_and_in_the_page(key):
    told = run("train", "--help").output
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    if key == "data":
        assert "DATA" in told
    else:
        assert f"  {SETTINGS[key].option}" in told
        assert f"| `{SETTINGS[key].option}`" in page
    assert f"{SETTINGS[key].group.capitalize()}:" in told


def test_every_setting_has_a_group_and_a_default_that_it_would_take():
    assert {s.group for s in SETTINGS.values()} == set(GROUPS)
    for s in SETTINGS.values():
        assert s.default is None or s.default == () or s.read(s.default) == s.default


def test_options_win_over_set_and_set_over_the_file(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("epochs = 1\nseed = 1\nlr = 1.0\n")
    found = chosen({"epochs": "3"}, ("seed=2", "epochs=2"), str(path))
    assert (found["epochs"], found["seed"], found["lr"]) == (3, 2, 1.0)


def test_layers_are_said_once():
    with pytest.raises(UsageError, match=r"--hidden 8: --model 8 relu says which layers"):
        chosen({"model": "8 relu", "hidden": "8"})


FILES = {  # a settings file, and what is said of it
    "a slip": ("\nepohcs = 3\n", "line 2: epohcs = 3: there is no setting epohcs; did you mean ep"),
    "a dash": ('batch-size = "x"\n', 'line 1: batch-size = "x": give a whole number'),
    "no value": ("epochs = 3\ndata = moons\n", "line 2: this is no value; a text stands in quotes"),
    "twice": ("epochs = 3\nepochs = 4\n", "line 2: this setting stands in the file twice"),
    "a quote": ('data = "moons', "line 1: a quote that begins here is never closed"),
    "a heading": ("[training]\nepochs = 3\n", "line 1: [training]: settings stand without"),
    "a text": ("epochs = [3]\n", "line 1: epochs = [3]: give a whole number"),
    "a switch": ("quiet = 1\n", "line 1: quiet = 1: give true or false"),
    "numbers": ("drop = [1]\n", "line 1: drop = [1]: give texts"),
    "true": ("epochs = true\n", "line 1: epochs = true: give a whole number"),
    "infinite": ("lr = inf\n", "line 1: lr = inf: give a number above 0"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_mistake_in_a_file_is_named_with_its_line(case, tmp_path):
    text, said = FILES[case]
    path = tmp_path / "a.toml"
    path.write_text(text)
    made = run("train", "--config", path)
    assert made.exit_code == 2
    assert f"{path}, {said}" in made.output.replace("\n  ", "\n")


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path):
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe\x00")
    assert "not text in UTF-8" in run("train", "--config", tmp_path / "run.toml").output
    assert "did you mean" in run("train", "--config", tmp_path / "rum.toml").output
    (tmp_path / "e.toml").write_text("epochs = 3")
    assert "did you mean" not in run("train", "--config", tmp_path / "nope.toml").output


def test_the_line_of_a_key_is_found():
    text = '# epochs = 1\nother = "epochs = 2"\n"epochs" = 3\n[epochs]\n'
    assert line_of(text, "epochs") == 3
    assert line_of(text, "other") == 2


def test_the_page_s_settings_file_is_read(tmp_path):
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    text = page.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "run.toml").write_text(text)
    found = chosen({}, (), str(tmp_path / "run.toml"))
    assert set(tomllib.loads(text)) <= set(found.places)
    assert len(found.places) >= 5


def test_every_command_has_a_row_in_the_page():
    page = (DOCS / "command-line.md").read_text(encoding="utf-8")
    assert all(f"| `chainrule {name}" in page for name in COMMANDS)


# ------------------------------------------------------------------ layers in words

NETWORKS = {
    "none": [], "": [], "8": ["Linear"], "8 relu": ["Linear", "ReLU"],
    "8 relu dropout 0.2, 4 tanh": ["Linear", "ReLU", "Dropout", "Linear", "Tanh"],
    "8 batchnorm relu": ["Linear", "BatchNorm1d", "ReLU"], "dropout": ["Dropout"],
    "layernorm, 8 gelu": ["LayerNorm", "Linear", "GELU"], "8 rmsnorm": ["Linear", "RMSNorm"],
    "8 Leaky-ReLU 0.2": ["Linear", "LeakyReLU"], "8 elu 0.5": ["Linear", "ELU"],
}  # fmt: skip


@pytest.mark.parametrize("text", NETWORKS)
def test_words_make_these_layers(text):
    made = network(text, (3,), 2, seed=0)
    assert [type(one).__name__ for one in made] == [*NETWORKS[text], "Linear"]
    assert made(np.ones((5, 3), np.float32)).shape == (5, 2)


@pytest.mark.parametrize("word", [*ACTIVATIONS, *NORMS, "dropout"])
def test_every_word_makes_a_layer_that_works(word):
    assert network(f"4 {word}", (2, 3), 1, seed=0)(np.ones((5, 2, 3), np.float32)).shape == (5, 1)


def test_numbers_in_words_arrive():
    dropout, leaky = network("4 dropout 0.25, 4 leaky_relu 0.2", (2,), 1, 0).layers[1:4:2]
    assert (dropout.p, leaky.slope) == (0.25, 0.2)


MISTAKES = {  # text, what is underlined → what is said
    ("8 rleu", "rleu"): "did you mean relu",
    ("8 relu, 4 tahn", "tahn"): "did you mean tanh",
    ("8 relu,", ","): "nothing stands after",
    (", 8", ","): "nothing stands before",
    ("8,, 4", ","): "nothing stands before",
    ("8 8", "8"): "a new layer begins after a comma",
    ("8 relu 0.1", "0.1"): "relu takes no number",
    ("8 dropout 1", "1"): "below 1",
    ("8 dropout 0.1 0.2", "0.2"): "dropout takes no number",
    ("0 relu", "0"): "is no size",
    ("1.5", "1.5"): "is no size",
    ("-4", "-4"): "is no size",
    ("999999999", "999999999"): "is no size",
    ("8 conv", "conv"): "there are relu",
}


@pytest.mark.parametrize(("text", "under"), MISTAKES, ids=[t for t, _ in MISTAKES])
def test_a_mistake_in_layers_is_underlined(text, under):
    with pytest.raises(ExpressionError) as caught:
        parts(text)
    told = str(caught.value).split("\n")
    assert MISTAKES[text, under] in str(caught.value)
    line, carets = told[1], told[2]
    assert line[carets.index("^") : carets.rindex("^") + 1] == under


def test_sizes_and_an_activation_are_the_same_as_words():
    assert plain((8, 4), "tanh") == "8 tanh, 4 tanh"
    assert parts(plain((), "relu")) == []


# ------------------------------------------------------------------ optimisers and schedules


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_makes_a_loss_fall(name):
    made = optimizer(name, None, None, 100, 10)
    w = np.array([3.0, -2.0])
    objective = cr.value_and_grad(lambda w: cr.sum(w * w))
    state = made.init(w)
    for _ in range(20):
        found = made.step(objective, state, w)
        w, state = cr.optim.apply_updates(w, found.updates), found.state
    assert float(np.sum(w * w)) < 13.0


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_works_with_every_rate(name):
    for lr in (None, 0.5):
        made = optimizer("sgd momentum=0", lr, name, 100, 10)
        w = np.array([1.0])
        updates, _ = made.update(np.array([1.0]), made.init(w), w)
        rate = 0.05 if lr is None else lr
        assert 0.0 <= -float(updates[0]) <= rate * (1 + 1e-9)


def test_options_of_phrases_arrive():
    made = optimizer("adamw weight_decay=0.3 betas=0.8,0.9 amsgrad", 0.1, None, 100, 10)
    assert (made.weight_decay, made.betas, made.amsgrad) == (0.3, (0.8, 0.9), True)
    assert optimizer("sgd", 0.1, "cosine warmup=7 end=0.01", 100, 10).lr.warmup == 7
    assert optimizer("sgd", 0.1, "plateau", 100, 25).parts[1].every == 25


PHRASES = {  # what makes, what it is given → what is said
    "adm": "did you mean adam",
    "adam beta=1": "did you mean betas",
    "adam lr=1": "a setting of its own",
    "adam betas=0.9,2": "must lie in",
    "adam eps=x": "must be a number",
    "adam betas=x": "give two numbers",
    "adam 3": "no switch 3",
    "sgd nestrov": "did you mean nesterov",
    "sgd momentum=": "write key=value",
    "sgd momentum=0.1 momentum=0.2": "twice",
    "": "give a name",
}


@pytest.mark.parametrize("text", PHRASES)
def test_a_mistake_in_an_optimizer_is_said(text):
    with pytest.raises(Unfit, match=PHRASES[text]):
        optimizer(text, None, None, 100, 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [("cosin", "did you mean cosine"), ("cosine warmup=100", "larger"), ("step gama=2", "gamma"),
     ("step size=3", "no option"), ("exponential gamma=-1", "gamma")],
)  # fmt: skip
def test_a_mistake_in_a_schedule_is_said(text, said):
    with pytest.raises(Unfit, match=said):
        optimizer("adam", None, text, 100, 10)


CLIPS = {"norm 2": 2.0, "value 5": (-5.0, 5.0), "value -1 3": (-1.0, 3.0)}


@pytest.mark.parametrize("text", CLIPS)
def test_bounds_are_read(text):
    assert clip(text) == CLIPS[text]


@pytest.mark.parametrize("text", ["norm", "norm 0", "value", "value 2 1", "5", "nrom 1", "norm a",
                                  "norm 1 2", "norm by=1", "value true"])  # fmt: skip
def test_bounds_that_are_none_are_refused(text):
    with pytest.raises(Unfit, match="norm 1"):
        clip(text)


def test_a_phrase_has_a_name_options_and_switches():
    found = phrase("a b=1 c=2.5 d=true e=x f=1,2 g")
    assert found.options == {"b": 1, "c": 2.5, "d": True, "e": "x", "f": (1, 2)}
    assert (found.name, found.bare) == ("a", ("g",))


ONLY_THE_DATA_SHOW = {  # lines of a file → what is said of them, once the data are read
    ('data = "nope.csv"', 'target = "y"'): 'line 1: data = "nope.csv": nope.csv: there is no such',
    ('data = "mons"',): 'line 1: data = "mons": there is no data set mons',
    ('data = "d.csv"', 'target = "yy"'): "line 2: target = \"yy\": d.csv: there is no column 'yy'",
    ('data = "d.csv"', 'target = "y"', 'drop = ["a", "q"]'):
        "line 3: drop = [\"a\", \"q\"]: d.csv: there is no column 'q'",
    ('data = "d.csv"', 'target = "y"', 'metric = "mae"'):
        'line 3: metric = "mae": mae is of quantities',
}  # fmt: skip


@pytest.mark.parametrize("lines", ONLY_THE_DATA_SHOW, ids=" ".join)
def test_a_mistake_that_only_the_data_show_is_named_with_its_line(lines, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{k % 7},{'xz'[k % 2]}" for k in range(40)]
    Path("d.csv").write_text("\n".join(["a,b,y", *rows]))
    Path("run.toml").write_text("\n".join(lines))
    made = run("train", "--config", "run.toml")
    assert made.exit_code == 2
    assert f"error: run.toml, {ONLY_THE_DATA_SHOW[lines]}" in made.output
    assert not Path("runs").exists()


def test_a_mistake_within_the_data_is_none_of_a_line_of_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("d.csv").write_text("\n".join(["a,y", *(f"{k},x" for k in range(40))]))
    Path("run.toml").write_text('data = "d.csv"\ntarget = "y"\n')
    assert run("train", "--config", "run.toml").output.startswith("error: d.csv: y is 'x'")
