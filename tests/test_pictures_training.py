"""Recorded trainings and their pictures: true to the network, whole for every kind of it."""

import re
import zlib
from base64 import b64decode, b64encode
from contextlib import nullcontext
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph.errors import UsageError
from chainrule.show.page import Report, page
from chainrule.show.training import PANELS, training
from chainrule.show.training.contour import contour, simplified
from chainrule.show.training.image import diverging, png, shares
from chainrule.show.training.output import SIDE
from chainrule.show.training.report import pictures
from chainrule.show.training.stages import stages, through
from chainrule.study.recording import MOST_EXAMPLES, planned
from chainrule.train.data import datasets

nn = cr.nn
LOGITS = "binary_cross_entropy_with_logits"


def net(*sizes, act=nn.Tanh, seed=1):
    layers = [x for a, b in pairwise(sizes) for x in (nn.Linear(a, b), act())]
    return nn.Sequential(*layers[:-1], seed=seed)


def moons(model=None, epochs=8, **more):
    X, y = datasets.moons(120)
    options = {"loss": LOGITS, "epochs": epochs, "record": 5} | more
    return cr.fit(model or net(2, 6, 2, 1), X, y, **options)


@cr.nn.layer
class Twice(nn.Module):
    """A model of which nothing is known but its call."""

    inner: nn.Module

    def __call__(self, x):
        return 2.0 * self.inner(x)


class LastOf(nn.Module):
    """The last step of a sequence."""

    def __call__(self, x):
        return x[:, -1]


def fitted(model, X, y, loss="mse", **more):
    return cr.fit(model, X, y, loss=loss, epochs=4, record=4, **more)


RNG = np.random.default_rng(0)
LINE = RNG.uniform(-2, 2, (60, 1))
FLAT = RNG.uniform(-2, 2, (60, 2))
WIDE = RNG.normal(size=(60, 5))
SPIRAL = datasets.spiral(90, classes=3)
KINDS = {
    "two classes, one output": lambda: moons(),
    "two classes, two outputs": lambda: moons(net(2, 6, 3, 2), loss="cross_entropy"),
    "two numbers as targets": lambda: fitted(net(2, 4, 1), FLAT, np.sign(FLAT[:, :1])),
    "three classes": lambda: fitted(net(2, 6, 4, 3), *SPIRAL, "cross_entropy"),
    "shares as targets": lambda: fitted(net(2, 4, 3), SPIRAL[0], np.eye(3)[SPIRAL[1]],
                                        "cross_entropy"),
    "a curve": lambda: fitted(net(1, 5, 4, 1), LINE, np.sin(LINE)),
    "a curve between classes": lambda: fitted(net(1, 5, 2), LINE, (LINE[:, 0] > 0).astype(int),
                                              "cross_entropy"),
    "a surface": lambda: fitted(net(2, 5, 2, 1), FLAT, FLAT[:, :1] * FLAT[:, 1:], validation=0.2),
    "two outputs": lambda: fitted(net(2, 5, 2), FLAT, FLAT[:, ::-1]),
    "five features": lambda: fitted(net(5, 6, 1), WIDE, WIDE[:, :1]),
    "relu": lambda: fitted(net(2, 20, 20, 1, act=nn.ReLU), FLAT, FLAT[:, 0]),
    "no hidden layer": lambda: fitted(net(2, 1), FLAT, FLAT[:, 0]),
    "one hidden unit": lambda: fitted(net(2, 1, 1), FLAT, FLAT[:, 0]),
    "batch norm and dropout": lambda: fitted(
        nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5),
                      nn.Linear(6, 1)), FLAT, FLAT[:, 0]),
    "a function as activation": lambda: fitted(
        nn.Sequential(nn.Linear(2, 6), cr.sin, nn.Linear(6, 1)), FLAT, FLAT[:, 0]),
    "nested": lambda: fitted(
        nn.Sequential(nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.Linear(4, 1)),
        FLAT, FLAT[:, 0]),
    "an unknown model": lambda: fitted(Twice(net(2, 4, 1)), FLAT, FLAT[:, 0]),
    "a constant target": lambda: fitted(net(2, 4, 1), FLAT, np.ones(60)),
    "a constant feature": lambda: fitted(net(2, 4, 1), FLAT * [1.0, 0.0], FLAT[:, 0]),
    "one example": lambda: fitted(net(2, 3, 1), FLAT[:1], FLAT[:1, 0]),
    "diverging": lambda: fitted(net(2, 4, 1, act=nn.ReLU), 50 * FLAT, 1e6 * FLAT[:, 0],
                                optimizer=cr.optim.SGD(lr=1e3)),
    "sequences": lambda: fitted(
        nn.Sequential(nn.RNN(2, 3), lambda out: out[0][:, -1], nn.Linear(3, 1)),
        RNG.normal(size=(20, 4, 2)), RNG.normal(size=20)),
}  # fmt: skip
NASTY = "<script>alert(1)</script>&\"'"


@pytest.fixture(params=KINDS)
def history(request):
    with pytest.warns(cr.TrainingWarning) if request.param == "diverging" else nullcontext():
        return KINDS[request.param]()


def test_every_kind_of_training_has_a_whole_picture_at_every_moment(history):
    scene = training(history)
    roots = [ElementTree.fromstring(scene.at(k)) for k in range(len(scene.moments))]
    ids = [e.get("id") for e in roots[-1].iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert all(i.startswith("training-") for i in ids)
    assert not re.findall(r"\bnan\b|\binf\b", re.sub(r"base64,[^\"]*", "", scene.at(-1)))


def test_a_report_has_pictures_that_are_well_formed(history):
    drawn = [svg for one in pictures(history) for svg in one.svgs]
    idents = [ElementTree.fromstring(svg).get("aria-labelledby") for svg in drawn]
    assert len(set(idents)) == len(idents)


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_stands_alone(panel):
    scene = training(moons(), [panel])
    assert panel[:4] in "".join(re.findall(r'id="training-([a-z]+)', scene.svg))


def test_recording_leaves_every_bit_of_the_training_as_it_is():
    plain, recorded = net(2, 6, 1, seed=3), net(2, 6, 1, seed=3)
    moons(plain, record=False)
    moons(recorded, record=4)
    pairs = zip(plain.parameters(), recorded.parameters(), strict=True)
    assert all(np.array_equal(a.value, b.value) for a, b in pairs)


def test_the_first_snapshot_is_the_untrained_model_and_the_last_the_trained_one():
    model = net(2, 6, 1)
    before = [np.array(p.value) for p in model.parameters()]
    kept = moons(model).recording.snapshots
    first, last = kept[0].model.parameters(), kept[-1].model.parameters()
    assert all(np.array_equal(a, b.value) for a, b in zip(before, first, strict=True))
    assert all(np.array_equal(a.value, b.value)
               for a, b in zip(model.parameters(), last, strict=True))  # fmt: skip
    assert not np.array_equal(before[0], last[0].value)


@pytest.mark.parametrize("frames", [2, 3, 7, 60])
@pytest.mark.parametrize("epochs", [1, 2, 9, 100])
def test_no_more_snapshots_are_planned_than_asked_for(frames, epochs):
    plan = planned(epochs, frames)
    assert len(plan) <= frames
    assert {0, epochs} <= plan <= set(range(epochs + 1))


def test_the_last_epoch_is_kept_where_training_ends_early():
    class Stop:
        def on_epoch(self, row):
            if row["epoch"] == 7:
                raise StopIteration

    recording = moons(epochs=50, record=4, callbacks=Stop()).recording
    assert [s.epoch for s in recording.snapshots][-1] == 7
    assert [row["epoch"] for row in recording.rows] == list(range(8))


def test_no_more_examples_are_kept_than_are_shown():
    X, y = datasets.moons(1000)
    kept = cr.fit(net(2, 2, 1), X, y, loss=LOGITS, epochs=1, record=2).recording
    assert len(kept.X) == len(kept.y) == MOST_EXAMPLES
    assert np.allclose(kept.low, X.min(axis=0), atol=1e-6)


def test_the_loss_before_training_is_that_of_the_first_snapshot():
    recording = moons().recording
    first = recording.snapshots[0]
    assert first.row["loss"] == float(recording.loss(first.model(recording.X), recording.y))


@pytest.mark.parametrize("record", [1, 0, -3, 2.5, "60"])
def test_a_number_of_snapshots_that_makes_no_sense_is_refused(record):
    with pytest.raises(UsageError, match="record="):
        moons(record=record)


def decoded(uri):
    """Width, height, the places' colour numbers, and the colours (red, green, blue, opacity)."""
    data, at, chunks = b64decode(uri.partition(",")[2]), 8, {}
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(
            data[at + 8 + size : at + 12 + size], "big"
        )
        chunks[kind] = body
        at += 12 + size
    wide, tall = (int.from_bytes(chunks[b"IHDR"][k : k + 4], "big") for k in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(tall, wide + 1)
    colours = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    return rows[:, 1:], np.column_stack([colours, np.frombuffer(chunks[b"tRNS"], np.uint8)])


def test_a_png_says_what_it_was_given():
    index, colours = (
        np.array([[0, 1, 2], [2, 1, 0]], np.uint8),
        [(1, 2, 3, 4), (5, 6, 7, 8), (9, 9, 9, 0)],
    )
    found = decoded("," + b64encode(png(index, colours)).decode())
    assert np.array_equal(found[0], index)
    assert np.array_equal(found[1], colours)


def test_the_two_sides_of_a_field_have_different_colours_and_the_middle_is_faint():
    index, colours = decoded(diverging(np.array([[-1.0, 0.0, 1.0]])))
    low, middle, high = colours[index[0]].astype(int)
    assert low[0] > low[2]
    assert high[2] > high[0]
    assert middle[3] < 20 < low[3] == high[3]


def test_an_undecided_place_is_fainter_than_a_sure_one():
    index, colours = decoded(shares(np.array([[[0.34, 0.33, 0.33], [0.0, 0.0, 1.0]]])))
    assert colours[index[0, 0], 3] < colours[index[0, 1], 3]


def test_a_contour_of_a_cone_is_a_circle():
    x, y = np.meshgrid(np.arange(41) - 20.0, np.arange(41) - 20.0)
    (line,) = contour(np.hypot(x, y), 10.0)
    assert np.allclose(np.hypot(*(line - 20).T), 10.0, atol=0.05)
    assert np.array_equal(line[0], line[-1])


@pytest.mark.parametrize("seed", range(5))
def test_a_contour_lies_where_the_field_changes_sides(seed):
    field = np.random.default_rng(seed).normal(size=(9, 12))
    lines = contour(field, 0.1)
    changes = np.sum(np.diff(field > 0.1, axis=0)) + np.sum(np.diff(field > 0.1, axis=1))
    points = {(round(x, 6), round(y, 6)) for line in lines for x, y in line}
    assert len(points) == changes


def test_a_simplified_line_is_nowhere_far_from_the_line():
    t = np.linspace(0, 6, 200)
    line = np.stack([t * 10, 20 * np.sin(t)], axis=1)
    short = simplified(line, 0.5)
    assert len(short) < 60
    steepest = np.sqrt(1 + 2**2)  # a distance across the line, seen upright
    assert np.abs(np.interp(line[:, 0], *short.T) - line[:, 1]).max() < 0.5 * steepest


def attributes(scene, k=-1):
    root = ElementTree.fromstring(scene.at(k))
    return {e.get("id"): e.attrib for e in root.iter() if e.get("id")}


def numbers(d):
    return np.array(re.findall(r"-?\d+\.?\d*", d), float).reshape(-1, 2)


@pytest.fixture(scope="module")
def learned():
    history = moons(epochs=40, optimizer=cr.optim.Adam(lr=0.03))
    return history, training(history)


def test_the_landscape_has_the_colour_of_the_answer_at_every_example(learned):
    history, scene = learned
    marks = attributes(scene)
    index, _ = decoded(marks["training-output-image"]["href"])
    at = np.concatenate([numbers(marks[f"training-output-points{k}"]["d"]) for k in (0, 1)])
    box = marks["training-output-image"]
    place = ((at - [float(box["x"]), float(box["y"])]) / SIDE * len(index)).astype(int)
    group = np.concatenate([history.recording.X[history.recording.y[:, 0] == k] for k in (0, 1)])
    logit = np.asarray(history.model(group))[:, 0]
    sure = np.abs(logit) > 1.0
    assert sure.sum() > 60
    assert np.array_equal((index[place[:, 1], place[:, 0]] > 16)[sure], (logit > 0)[sure])


def test_the_network_is_undecided_on_the_line_that_is_drawn(learned):
    history, scene = learned
    marks = attributes(scene)
    box = marks["training-output-image"]
    unit = (numbers(marks["training-output-line"]["d"]) - [float(box["x"]), float(box["y"])]) / SIDE
    r = history.recording
    low, high = r.low.astype(float), r.high.astype(float)
    size = (high - low).max() * 1.16
    corner = (low + high) / 2 - size / 2
    x = corner + np.stack([unit[:, 0], 1 - unit[:, 1]], axis=1) * size
    logit = np.asarray(history.model(x.astype(np.float32)))[:, 0]
    assert np.median(np.abs(logit)) < 0.2 < np.abs(np.asarray(history.model(r.X))).mean()


def test_the_points_of_hidden_space_are_the_hidden_values(learned):
    history, scene = learned
    marks = attributes(scene)
    box = marks["training-hidden-image"]
    corner = [float(box["x"]), float(box["y"])]
    for k in (0, 1):
        mine = history.recording.y[:, 0] == k
        hidden = through(history.model, history.recording.X[mine]).values[-1]
        unit = (numbers(marks[f"training-hidden-points{k}"]["d"]) - corner) / SIDE
        shown = np.stack([unit[:, 0], 1 - unit[:, 1]], axis=1) * 2.32 - 1.16
        assert np.allclose(shown, hidden, atol=0.01)


def test_the_words_tell_the_loss_and_the_share_that_is_right(learned):
    history, scene = learned
    loss = history.loss[-1]
    made = np.asarray(history.model(history.recording.X)) > 0
    right = 100 * np.mean(made == history.recording.y)
    said = f"At the end, the loss is {loss:.3g}; {right:.3g} % of the 120 examples"
    assert scene.moments[-1].words.startswith(said)


def test_the_point_of_the_loss_moves_to_the_right(learned):
    _, scene = learned
    places = [float(attributes(scene, k)["training-loss-point"]["cx"])
              for k in range(len(scene.moments) - 1)]  # fmt: skip
    assert np.all(np.diff(places) > 0)


def test_two_groups_of_examples_differ_in_shape_and_not_only_in_colour(learned):
    _, scene = learned
    one = r'<marker id="training-output-shape\d"[^>]*><path d="([^"]*)" fill="([^"]*)"'
    shapes = re.findall(one, scene.svg)
    assert len({d for d, _ in shapes}) == len({ink for _, ink in shapes}) == 2


def test_sixty_snapshots_make_a_page_of_less_than_two_megabytes():
    history = moons(net(2, 8, 8, 2, 1), epochs=120, record=60)
    assert 55 <= len(history.recording) <= 60
    assert len(training(history).html()) < 2_000_000


def test_the_features_that_are_drawn_are_those_that_matter():
    X = RNG.normal(size=(200, 6))
    model = net(6, 8, 1)
    history = cr.fit(model, X, X[:, 4:5] - 2 * X[:, 1:2], epochs=30, record=3,
                     optimizer=cr.optim.Adam(lr=0.02))  # fmt: skip
    said = training(history, names=[f"column {k}" for k in range(6)]).svg
    assert "column 1" in said
    assert "column 4" in said
    assert "the two of 6 features that move the output most" in said


def test_two_features_that_say_too_little_are_not_drawn_unasked():
    X = RNG.normal(size=(200, 6))
    history = cr.fit(net(6, 8, 1), X, X.sum(axis=1), epochs=40, record=3,
                     optimizer=cr.optim.Adam(lr=0.02))  # fmt: skip
    assert "training-output" not in training(history).svg
    assert "training-output" in training(history, ["output"], features=(0, 5)).svg


def test_names_of_features_and_classes_are_shown_and_never_run():
    scene = training(moons(), names=[NASTY, "b"], classes=[NASTY, "c"], title=NASTY)
    root = ElementTree.fromstring(scene.at(-1))
    assert "script" not in {e.tag.rpartition("}")[2] for e in root.iter()}
    assert "<script>alert(1)" not in scene.html().partition("<main")[2]


REFUSED = {
    "no panel 'x'": ({"panels": ["x"]}, "there is no panel 'x'"),
    "one feature": ({"features": (0,)}, "give two of them"),
    "no such feature": ({"features": (0, 7)}, "there is no feature 7"),
    "no such unit": ({"units": (0, 9)}, "from 0 to 1"),
    "the same unit twice": ({"units": (1, 1)}, "give two"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_shown_is_refused_in_words(case):
    options, told = REFUSED[case]
    with refused(UsageError, re.escape(told)):
        training(moons(), **options)


def test_a_training_without_a_recording_is_told_how_to_record():
    with pytest.raises(UsageError, match="record=60"):
        training(moons(record=False))


def test_a_panel_that_does_not_apply_says_why():
    with pytest.raises(UsageError, match="two or more units"):
        training(fitted(net(2, 1, 1), FLAT, FLAT[:, 0]), ["hidden"])


def test_stages_begin_at_each_layer_with_weights():
    model = nn.Sequential(
        nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 1)
    )
    assert [(len(s.layers), s.kind) for s in stages(model)] == [(4, "ReLU"), (1, "")]


def test_the_stages_together_are_the_network():
    model = net(3, 5, 4, 2)
    x = RNG.normal(size=(7, 3)).astype(np.float32)
    made = through(model, x)
    assert np.array_equal(made.output, np.asarray(model(x)))
    assert np.allclose(np.tanh(made.sums[1]), made.values[1])


def test_the_page_of_a_run_shows_its_pictures_and_allows_them():
    shown = pictures(moons(), names=[NASTY, "b"])
    html = page(Report("t", "s", [], [], "accuracy", [], "<svg></svg>", [], pictures=shown))
    assert [one.title for one in shown] == ["How it learned", "The activations, as they are used"]
    assert all(f"<h2>{one.title}</h2>" in html for one in shown)
    assert "img-src data:" in html
    assert "<script" not in html


def test_an_activation_in_a_report_has_the_sums_of_its_layer():
    history = moons()
    sums = through(history.model, history.recording.X).sums[0]
    assert f"where the {sums.size:,} weighted sums of the units lie" in pictures(history)[1].svgs[0]
