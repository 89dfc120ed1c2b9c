"""Data sets and CSV files: what is read, what is decided, what is said, what is refused."""

import json
import sys

import numpy as np
import pytest

from chainrule.graph.errors import ChainruleError, DataError, MissingExtraError, UsageError
from chainrule.train.data import datasets
from chainrule.train.data.prepared import builtin, split
from chainrule.train.data.preparing import prepared
from chainrule.train.data.tables.columns import Preparation
from chainrule.train.data.tables.csvfile import parse_csv, read_csv
from chainrule.train.data.tables.table import from_table

MADE = sorted(datasets.MADE)


def rows(count=40, header="size,colour,price", line="{k},{c},{p}"):
    colours = ("red", "blue")
    told = [line.format(k=k, c=colours[k % 2], p=f"{k}.5") for k in range(count)]
    return header + "\n" + "\n".join(told) + "\n"


def without(text, line, new):
    lines = text.split("\n")
    lines[line - 1] = new
    return "\n".join(lines)


@pytest.mark.parametrize("name", MADE)
def test_the_same_seed_gives_the_same_points(name):
    (a, ya), (b, yb) = (datasets.MADE[name](200, seed=3) for _ in range(2))
    assert np.array_equal(a, b)
    assert np.array_equal(ya, yb)


@pytest.mark.parametrize("name", MADE)
def test_another_seed_gives_other_points(name):
    assert not np.array_equal(
        datasets.MADE[name](200, seed=3)[0], datasets.MADE[name](200, seed=4)[0]
    )


@pytest.mark.parametrize("name", MADE)
def test_classes_are_even_and_shapes_are_as_told(name):
    X, y = datasets.MADE[name](201)
    assert X.shape == (201, 2)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert np.ptp(np.bincount(y)) <= 1


@pytest.mark.parametrize("name", MADE)
def test_one_point_or_a_negative_noise_is_refused(name):
    with pytest.raises(UsageError, match=name):
        datasets.MADE[name](1)
    with pytest.raises(UsageError, match="noise"):
        datasets.MADE[name](100, noise=-1.0)


def test_digits_without_scikit_learn_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtraError, match=r'pip install "chainrule\[data\]"'):
        datasets.digits()


@pytest.mark.parametrize("n", [10, 97, 1000])
def test_a_split_takes_every_row_once_and_each_class_its_share(n):
    classes = np.arange(n) % 2
    parts = split(n, seed=1, classes=classes)
    assert np.array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(n))
    shares = [classes[r].mean() for r in parts.values()]
    assert np.ptp(shares) <= 1.01 / min(len(r) for r in parts.values())


def test_a_split_depends_on_its_seed_alone():
    a, b, c = (split(100, seed=s)["test"] for s in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_features_are_standardised_on_the_training_part_alone():
    data = builtin("blobs")
    X, _ = data.part("train")
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(X.std(0), 1, atol=1e-6)
    assert np.abs(data.X.mean(0)).max() > 1e-6


FORMS = {
    "commas": "a,b\n1,2\n3,4\n",
    "semicolons and decimal commas": "a;b\n1,0;2,0\n3,0;4,0\n",
    "tabs": "a\tb\n1\t2\n3\t4\n",
    "bars": "a|b\n1|2\n3|4\n",
    "no last line break": "a,b\n1,2\n3,4",
    "windows line ends": "a,b\r\n1,2\r\n3,4\r\n",
    "blank lines and spaces": "\n a , b \n1, 2\n\n3 ,4\n\n",
    "quotes": '"a","b"\n"1","2"\n"3","4"\n',
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_the_same_in_every_form(form):
    table = parse_csv(FORMS[form])
    made = Preparation.fit(table, {"a": "numeric", "b": "numeric"})
    assert [c.median for c in made.columns] == [2.0, 3.0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_is_read_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes("größe,farbe\n1,grün\n".encode(encoding))
    assert read_csv(path).columns == {"größe": ["1"], "farbe": ["grün"]}


def test_quoted_fields_hold_delimiters_quotes_and_line_breaks():
    table = parse_csv('a,b\n"x, ""y""\nz",1\nq,2\n')
    assert table.columns["a"] == ['x, "y"\nz', "q"]
    assert table.lines == [2, 4]


REFUSED = {  # a file, and a word of what is said
    "": "empty",
    "\n\n": "empty",
    "a,b\n": "no rows",
    "a,b\n1,2\n3\n": "line 3 has 1 field",
    "a,b\n1,2\n\n3,4,5\n": "line 4 has 3 field",
    'a,b\n1,"2\n3,4\n': "line 2: a quote",
    "a,a\n1,2\n": "'a' is there twice",
    "a,\n1,2\n": "column 2 has no name",
    "1,2\n3,4\n": "add a line of names",
}


@pytest.mark.parametrize("text", REFUSED, ids=list(REFUSED.values()))
def test_a_file_that_cannot_be_read_says_where(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=REFUSED[text]):
        read_csv(path)


def test_a_file_of_bytes_or_no_file_is_said(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"PK\x00\x03")
    with pytest.raises(DataError, match="not a text file"):
        read_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"did you mean .*t\.csv"):
        read_csv(tmp_path / "tt.csv")


TASKS = (  # the target's cells, the task
    ([f"{k}.5" for k in range(40)], "regression"),
    ([str(k) for k in range(40)], "regression"),
    ([str(k % 3) for k in range(40)], "classification"),
    (["yes", "no"] * 20, "classification"),
)


@pytest.mark.parametrize(("cells", "task"), TASKS)
def test_the_target_decides_the_task_and_says_why(cells, task):
    text = "x,t\n" + "\n".join(f"{k * k},{c}" for k, c in enumerate(cells))
    data = from_table(parse_csv(text), "t")
    assert data.task == task
    assert data.notes[0].startswith(f"{task}: t holds")


def test_the_task_can_be_overruled():
    text = "x,t\n" + "\n".join(f"{k},{k % 3}" for k in range(40))
    assert from_table(parse_csv(text), "t", "regression").task == "regression"
    with pytest.raises(DataError, match="line 2"):
        from_table(parse_csv(text.replace(",0", ",no")), "t", "regression")


BAD_TABLES = (  # table, target, a word of what is said
    (rows(), "pric", "did you mean price"),
    (rows(), "Price", "did you mean price"),
    (rows(5), "price", "at least 10"),
    (without(rows(), 7, "oops,red,1.5"), "price", r"line 7: 'oops'"),
    (without(rows(), 7, "6,red,oops"), "price", r"line 7: 'oops'"),
    (without(rows(), 7, "inf,red,1.5"), "price", r"line 7: 'inf'"),
    ("x,t\n" + "1,a\n" * 20, "t", "in every row"),
    ("x,t\n" + "".join(f"1,{k % 2}\n" for k in range(20)), "t", "no column is left"),
    ("x,t\n" + "".join(f"{k},n{k}\n" for k in range(20)), "t", "too many to be classes"),
    (rows(line="{k},{c},10000000000000000{k:02}"), "price", "subtract what they have in common"),
)


@pytest.mark.parametrize(("text", "target", "said"), BAD_TABLES)
def test_a_table_that_cannot_be_trained_on_is_refused_in_words(text, target, said):
    with pytest.raises(DataError, match=said):
        from_table(parse_csv(text), target)


SAID = (  # a change of the table, and the note it must lead to
    (lambda t: without(t, 5, ",red,3.5"), "missing: size in 1 of 40 rows; filled with"),
    (lambda t: without(t, 5, "3,,3.5"), "missing: colour in 1 of 40 rows"),
    (lambda t: without(t, 5, "3,red,"), "1 row without price left out"),
    (lambda t: t.replace("red", "blue"), "left out: colour is constant, 'blue' in every row"),
    (lambda t: rows(line="{k},{c}{k},{p}"), "left out: colour is text that differs in every row"),
    (lambda t: rows(line=",{c},{p}"), "left out: size has no values"),
    (lambda t: rows(line="1" + "0" * 23 + "{k:02},{c},{p}"), f"left out: size is 1{'0' * 25} in"),
    (lambda t: t, "1 numeric column: size"),
)


@pytest.mark.parametrize(("change", "note"), SAID, ids=[n for _, n in SAID])
def test_what_is_done_to_a_table_is_said(change, note):
    notes = from_table(parse_csv(change(rows())), "price").notes
    assert any(n.startswith(note) for n in notes), notes


def test_a_category_not_seen_in_training_becomes_zeros_and_is_said():
    text = rows()
    test_row = int(from_table(parse_csv(text), "price").rows["test"][0])
    data = from_table(parse_csv(without(text, test_row + 2, f"{test_row},mauve,1.5")), "price")
    assert data.X[test_row, 1:].tolist() == [0.0, 0.0]
    assert any(n.startswith("unknown: 1 cells of colour") for n in data.notes)


def test_the_test_rows_do_not_change_the_preparation():
    text = rows()
    before = from_table(parse_csv(text), "price")
    line = int(before.rows["test"][0]) + 2
    after = from_table(parse_csv(without(text, line, "99999,red,1.5")), "price")
    assert before.preparation["columns"] == after.preparation["columns"]


def test_a_column_that_never_changes_in_training_is_not_blown_up_elsewhere():
    text = rows(line="0.1,{c},{p}")
    test_row = int(from_table(parse_csv(rows()), "price").rows["test"][0])
    data = from_table(parse_csv(without(text, test_row + 2, "0.3,red,1.5")), "price")
    assert 0.1 < np.abs(data.X[:, 0]).max() < 1


def test_a_preparation_survives_json():
    table = parse_csv(without(rows(), 5, ",,3.5"))
    made = Preparation.fit(table, {"size": "numeric", "colour": "categorical"})
    again = Preparation.from_json(json.loads(json.dumps(made.to_json())))
    assert np.array_equal(made.transform(table), again.transform(table))


def test_numbers_become_categories_when_asked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("code,t\n" + "".join(f"{k % 3},{k}.5\n" for k in range(40)))
    assert prepared(path, "t", categorical=["code"]).features == [
        "code = 0",
        "code = 1",
        "code = 2",
    ]


@pytest.mark.parametrize("option", ["categorical", "drop"])
def test_an_option_that_names_no_column_is_refused(option):
    with pytest.raises(ChainruleError, match="did you mean colour"):
        from_table(parse_csv(rows()), "price", **{option: ["color"]})


@pytest.mark.parametrize(("option", "said"), [("drop", "keep the column"), ("categorical", "task")])
def test_the_target_can_be_neither_dropped_nor_a_category_of_inputs(option, said):
    with pytest.raises(UsageError, match=f"--{option} price: this is the target; .*{said}"):
        from_table(parse_csv(rows()), "price", **{option: ["price"]})


def test_numbers_with_signs_are_read_and_it_is_said():
    told = from_table(parse_csv(rows(line='"$1{k},000",{c},"{k}.5 %"')), "price").notes
    assert "read: size with thousands separated by commas, the sign $ is left off" in told
    assert "read: price with the sign % is left off" in told


# ------------------------------------------------------------------ arrays

POINTS = np.random.default_rng(0).normal(5, 3, (60, 4))
LABELS = np.arange(60) % 3
KINDS = {  # targets → task, classes
    "classes": (LABELS, "classification", ["0", "1", "2"]),
    "whole floats": (LABELS * 1.0, "classification", ["0", "1", "2"]),
    "a column": (LABELS[:, None], "classification", ["0", "1", "2"]),
    "words": (np.array(["a", "b", "c"])[LABELS], "classification", ["a", "b", "c"]),
    "truth": (LABELS > 0, "classification", ["False", "True"]),
    "numbers": (POINTS[:, 0] * 2, "regression", []),
}


def saved(folder, X, y, kind):
    if kind == "npz":
        np.savez(folder / "d.npz", X=X, y=y)
        return folder / "d.npz", None
    np.save(folder / "X.npy", X)
    np.save(folder / "y.npy", y)
    return folder / "X.npy", "y.npy"


@pytest.mark.parametrize("file", ["npz", "npy"])
@pytest.mark.parametrize("kind", KINDS)
def test_arrays_are_standardised_and_the_targets_decide(kind, file, tmp_path):
    y, task, classes = KINDS[kind]
    data = prepared(*saved(tmp_path, POINTS, y, file))
    assert (data.task, data.classes) == (task, classes)
    X, t = data.part("train")
    np.testing.assert_allclose(X.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(X.std(0), 1, atol=1e-5)
    if classes:
        assert [data.classes[k] for k in t] == [
            str(v).removesuffix(".0") for v in np.ravel(y)[data.rows["train"]]
        ]
    else:
        back = t * data.target_scale + data.target_mean
        np.testing.assert_allclose(back, y[data.rows["train"]], rtol=1e-5)


def test_two_files_and_one_give_the_same_examples(tmp_path):
    a, b = (prepared(*saved(tmp_path, POINTS, LABELS, k)) for k in ("npz", "npy"))
    assert a.examples.in_memory
    assert not b.examples.in_memory
    np.testing.assert_allclose(a.X, b.X, rtol=1e-5, atol=1e-5)


def test_pictures_are_scaled_as_a_whole(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (60, 5, 4), dtype=np.uint8)
    data = prepared(*saved(tmp_path, pictures, LABELS, "npy"))
    assert data.shape == (5, 4)
    X, _ = data.part("train")
    assert abs(X.mean()) < 1e-5
    assert abs(X.std() - 1) < 1e-5


BAD_ARRAYS = {  # inputs, targets → what is said
    "NaN": (np.where(POINTS > 9, np.nan, POINTS), LABELS, "NaN in row"),
    "few": (POINTS[:5], LABELS[:5], "at least 10"),
    "one class": (POINTS, LABELS * 0, "nothing to learn"),
    "several targets": (POINTS, POINTS, r"shape \(60, 4\); give one number"),
    "a gap in y": (POINTS, np.where(LABELS, np.nan, 1.0), "the target of row 1 is nan"),
    "many words": (POINTS, np.arange(60).astype(str), "too many to be classes"),
    "numbers alone": (POINTS[:, 0], LABELS, "a row for each example"),
    "lengths": (POINTS, LABELS[:-1], "one target for each"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_arrays_that_cannot_be_trained_on_are_refused_in_words(case, tmp_path):
    X, y, said = BAD_ARRAYS[case]
    with pytest.raises(DataError, match=said):
        prepared(*saved(tmp_path, X, y, "npz"))


def test_a_parquet_file_and_a_frame_are_prepared_as_the_csv_file_is(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    (tmp_path / "t.csv").write_text(rows())
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.to_parquet(tmp_path / "t.parquet")
    known = prepared(tmp_path / "t.csv", "price")
    for given in (tmp_path / "t.parquet", frame):
        made = prepared(given, "price")
        assert made.features == known.features
        assert np.array_equal(made.X, known.X)
