"""What can be trained on: every form gives the same examples, and every mistake is said."""

import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from messages import refused

import chainrule as cr
from chainrule.graph.errors import DataError, MissingExtraError, ShapeError, UsageError
from chainrule.train.data.sources import DataWarning, Source, Stream, source, split
from chainrule.train.data.tables.numerals import Style, number, number_style

X = np.arange(24.0).reshape(8, 3) * 0.5
Y = np.arange(8) % 3
NAMES = ("a", "b", "c")
ORDER = np.array([5, 0, 0, 7, 2])


def columns():
    return dict(zip(NAMES, X.T, strict=True))


def npz(folder):
    np.savez(folder / "d.npz", X=X, y=Y)
    return folder / "d.npz", None


def npy(folder):
    np.save(folder / "x.npy", X)
    np.save(folder / "y.npy", Y)
    return folder / "x.npy", str(folder / "y.npy")


def mapped(folder):
    path, _ = npy(folder)
    return np.load(path, mmap_mode="r"), Y


def fortran(folder):
    np.save(folder / "f.npy", np.asfortranarray(X))
    return folder / "f.npy", Y


def csv(folder):
    lines = [",".join(map(str, (*row, k))) for row, k in zip(X, Y, strict=True)]
    (folder / "d.csv").write_text("a,b,c,t\n" + "\n".join(lines))
    return folder / "d.csv", "t"


def pandas(_):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame(columns()), pd.Series(Y)


def pandas_nullable(_):
    pd = pytest.importorskip("pandas")
    return pd.DataFrame({**columns(), "t": Y}).convert_dtypes(), "t"


def polars(_):
    pl = pytest.importorskip("polars")
    return pl.DataFrame(columns()), pl.Series(Y)


def parquet(folder):
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    pl.DataFrame({**columns(), "t": Y}).write_parquet(folder / "d.parquet")
    return folder / "d.parquet", "t"


def arrow(_):
    pa = pytest.importorskip("pyarrow")
    return pa.table({**columns(), "t": Y}), "t"


def sparse(_):
    sp = pytest.importorskip("scipy.sparse")
    return sp.csc_matrix(X), Y


FORMS = {
    "arrays": lambda _: (X, Y), "lists": lambda _: (X.tolist(), Y.tolist()), "npz": npz,
    "npy": npy, "mapped": mapped, "fortran": fortran, "csv": csv, "pandas": pandas,
    "pandas, nullable": pandas_nullable, "polars": polars, "parquet": parquet, "arrow": arrow,
    "sparse": sparse, "a source": lambda _: (source(X, Y, np.float32), None),
}  # fmt: skip
NAMED = ("csv", "pandas", "pandas, nullable", "polars", "parquet", "arrow")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_examples(form, tmp_path):
    found = source(*FORMS[form](tmp_path), np.float32)
    x, t = found.take(ORDER)
    assert np.array_equal(x, X[ORDER].astype(np.float32))
    assert np.array_equal(t, Y[ORDER])
    assert np.array_equal(found.targets(), Y)
    assert (x.dtype, t.dtype.kind, len(found), found.shape) == (np.float32, "i", 8, (8, 3))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_can_be_parted_and_its_targets_changed(form, tmp_path):
    found = source(*FORMS[form](tmp_path), np.float32)
    some = found.part(np.array([6, 1, 3])).retargeted(lambda t: 10 * t[:, None])
    x, t = some.take(np.array([2, 0]))
    assert np.array_equal(x, X[[3, 6]].astype(np.float32))
    assert np.array_equal(t, 10 * Y[[3, 6], None])
    assert np.array_equal(some.targets(), 10 * Y[[6, 1, 3], None])


@pytest.mark.parametrize("form", NAMED)
def test_columns_keep_their_names(form, tmp_path):
    assert source(*FORMS[form](tmp_path), np.float32).names == NAMES


@pytest.mark.parametrize("form", FORMS)
def test_every_form_trains_to_the_same_bits(form, tmp_path):
    def trained(*data):
        model = cr.nn.Sequential(cr.nn.Linear(3, 4), cr.nn.Tanh(), cr.nn.Linear(4, 3), seed=1)
        cr.fit(model, *data, "cross_entropy", epochs=3, batch_size=3)
        return [p.value for p in model.parameters()]

    for a, b in zip(trained(*FORMS[form](tmp_path)), trained(X, Y), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("form", ["npy", "mapped", "fortran", "sparse"])
def test_what_is_not_in_memory_says_so(form, tmp_path):
    assert not source(*FORMS[form](tmp_path), np.float32).in_memory


def test_of_a_mapped_file_only_batches_are_held(tmp_path):
    path = tmp_path / "large.npy"
    file = np.lib.format.open_memmap(path, "w+", np.float32, (400_000, 20))
    file[:] = np.arange(20)
    file.flush()
    tracemalloc.start()
    try:
        found = source(path, np.zeros(400_000, np.float32), np.float32)
        found.take(np.arange(0, 400_000, 4000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < file.nbytes / 2


def test_a_split_has_every_example_once():
    kept, held = split(source(X, np.arange(8), np.float32), 0.25, np.random.default_rng(0))
    assert sorted([*kept.t, *held.t]) == list(range(8))
    assert len(held) == 2


# ------------------------------------------------------------------ batches


def batches():
    return ((X[k : k + 2], Y[k : k + 2]) for k in range(0, 8, 2))


STREAMS = {
    "a generator": batches, "a function": lambda: batches, "a list": lambda: list(batches()),
    "a loader": lambda: type("Loader", (), {"__iter__": lambda _: batches(), "__len__": len})(),
}  # fmt: skip


@pytest.mark.parametrize("kind", STREAMS)
def test_batches_come_in_their_order_and_the_first_is_not_lost(kind):
    found = source(STREAMS[kind](), None, np.float32)
    assert isinstance(found, Stream)
    first = found.first[0]
    parts = list(found.retargeted(lambda t: t + 1))
    assert np.array_equal(first, parts[0][0])
    assert np.array_equal(np.concatenate([x for x, _ in parts]), X.astype(np.float32))
    assert np.array_equal(np.concatenate([t for _, t in parts]), Y + 1)


@pytest.mark.parametrize("kind", list(STREAMS)[1:])
def test_what_can_be_opened_anew_serves_every_epoch(kind):
    found = source(STREAMS[kind](), None, np.float32)
    assert [len(list(found)) for _ in range(2)] == [4, 4]


def test_an_iterator_that_is_used_up_says_what_to_write():
    found = source(batches(), None, np.float32)
    list(found)
    with pytest.raises(DataError, match="lambda: batches"):
        list(found)


BAD_BATCHES = {
    "no batch": ([], DataError, "no y"),
    "none of a generator": (lambda: iter(()), DataError, "no batch"),
    "a single array": (lambda: [X], DataError, "batch 0 is an ndarray; each must be a pair"),
    "three": (lambda: [(X, Y, Y)], DataError, "batch 0 is 3 things"),
    "lengths": (lambda: [(X, Y), (X, Y[:3])], DataError, "batch 1: X has shape"),
    "NaN": (lambda: [(X, Y), (X * np.nan, Y)], DataError, "batch 1: X has 24 values"),
    "text": (lambda: [(X.astype(str), Y)], DataError, "batch 0: X is <U"),
    "other features": (lambda: [(X, Y), (X[:, :2], Y)], ShapeError, r"batch 1 .* \(2,\), .* \(3,"),
    "a function of nothing": (lambda: None, UsageError, "returned NoneType"),
}


@pytest.mark.parametrize("case", BAD_BATCHES)
def test_a_batch_that_cannot_be_trained_on_is_named(case):
    given, kind, said = BAD_BATCHES[case]

    def epoch():
        found = source(given, None, np.float32)
        found.first  # noqa: B018  reads ahead
        list(found)

    with pytest.raises(kind, match=said):
        epoch()


# ------------------------------------------------------------------ mistakes


def spoiled(value, *places):
    x = X.copy()
    for place in places:
        x[place] = value
    return x


def frame(**more):
    return pytest.importorskip("pandas").DataFrame({**columns(), **more})


def file(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


LINE = b"a,b,t\n1,2,0\n3,,1\n5,6,1\n"
BAD = {
    "NaN": (lambda f: (spoiled(np.nan, (1, 2), (4, 2)), Y), "NaN in rows 1, 4 of column 2"),
    "Inf": (lambda f: (spoiled(-np.inf, (3, 0)), Y), "Inf in row 3 of column 0"),
    "two kinds": (lambda f: (spoiled(np.nan, (1, 0)) + spoiled(np.inf, (2, 1)), Y), "NaN.*; Inf"),
    "many": (lambda f: (X * np.nan, Y), "24 values .* rows 0, 1, 2, 3, 4, ... of column 0"),
    "too large": (lambda f: (spoiled(1e300, (2, 1)), Y), "too large for float32 in row 2 of col"),
    "NaN in y": (lambda f: (X, np.where(Y == 1, np.nan, 1.0)), "y has 3 values.*NaN in rows 1, 4"),
    "masked": (lambda f: (np.ma.masked_equal(X, 2.5), Y), "NaN in row 1 of column 2"),
    "pictures": (lambda f: (spoiled(np.nan, (1, 2)).reshape(4, 2, 3), Y[:4]), "NaN in row 0;"),
    "a name": (lambda f: (frame(d=[np.nan] * 8), Y), "of column 'd'"),
    "None": (lambda f: (frame(d=[1, None] * 4), Y), "rows 1, 3, 5, 7 of column 'd'"),
    "a line of a file": (lambda f: (file(f, "a.csv", LINE), "t"), "in line 3 of column 'b'"),
    "mapped": (lambda f: (bad_map(f), Y), "NaN in row 6 of column 1"),
    "sparse": (lambda f: (bad_sparse(), Y), "NaN in row 6 of column 1"),
    "text": (lambda f: ([["1", "x"]], [0]), "'1' in row 0, column 0"),
    "an object": (lambda f: (np.array([[1, "x"]], object), [0]), "'x' in row 0, column 1"),
    "objects": (lambda f: (X.astype(object), Y), r"write .astype\(float\)"),
    "ragged": (lambda f: ([[1, 2], [3]], [0, 1]), "row 1 has 1, row 0 has 2"),
    "complex": (lambda f: (X * 1j, Y), "X is complex128"),
    "lengths": (lambda f: (X, Y[:5]), r"\(8, 3\), y \(5,\)"),
    "no features": (lambda f: (X[:, :0], Y), "hold no numbers"),
    "no y": (lambda f: (X, None), "there is no y"),
    "words": (lambda f: (frame(d=["red"] * 8), Y), "column 'd' .'red'."),
    "words to predict": (lambda f: (frame(d=["red"] * 8), "d"), "the target 'd' holds 'red'"),
    "dates": (lambda f: (frame(d=np.array(["2020-01-01"] * 8, "M8[s]")), Y), "'d' .'2020"),
    "order": (lambda f: (frame(), frame()["a"][::-1]), "different orders"),
    "no target": (lambda f: (frame(), None), "which column"),
    "another target": (lambda f: (frame(temperature=Y), "temprature"), "did you mean temperature"),
    "no columns": (lambda f: (X, "price"), "the columns of X have no names"),
    "a lazy frame": (lambda f: (pytest.importorskip("polars").LazyFrame(), "a"), "collect"),
    "no file": (lambda f: (f / "none.csv", "t"), "no such file"),
    "a near file": (lambda f: (file(f, "cat.csv", LINE).with_name("cta.csv"), "t"), "did you mean"),
    "an ending": (lambda f: (file(f, "a.parket", b""), "t"), "did you mean parquet"),
    "no npz": (lambda f: (file(f, "a.npz", b"PK"), None), "cannot be read as arrays"),
    "no npy": (lambda f: (file(f, "a.npy", b"\x93NUMPY"), Y), "cannot be read as an array"),
    "no parquet": (lambda f: (file(f, "a.parquet", b"PAR1"), "t"), "cannot be read as Parquet"),
    "objects in npz": (lambda f: (pickled(f), None), "cannot be read as arrays: it holds Python"),
    "objects in npy": (lambda f: (pickled(f, "o.npy"), Y), "cannot be read as an arr"),
    "arrays without names": (lambda f: (two(f), None), "which arrays are inputs"),
    "another array": (lambda f: (two(f), "secnd"), "did you mean second"),
    "a source and y": (lambda f: (source(X, Y), Y), "leave y out"),
}  # fmt: skip


def bad_map(folder):
    np.save(folder / "x.npy", spoiled(np.nan, (6, 1)))
    return folder / "x.npy"


def bad_sparse():
    return pytest.importorskip("scipy.sparse").coo_matrix(spoiled(np.nan, (6, 1)))


def pickled(folder, name="a.npz"):
    np.savez(folder / "a.npz", X=np.array([{}], object))
    np.save(folder / "o.npy", np.array([{}], object), allow_pickle=True)
    return folder / name


def two(folder):
    np.savez(folder / "a.npz", first=X, second=Y, third=Y)
    return folder / "a.npz"


@pytest.mark.parametrize("block", [1 << 20, 5], ids=["at once", "in blocks"])
@pytest.mark.parametrize("case", BAD)
def test_data_that_cannot_be_trained_on_are_refused_in_words(case, block, tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.train.data.sources.checks.BLOCK", block)
    make, said = BAD[case]
    given = make(tmp_path)
    with refused((DataError, UsageError), f"(?s){said}"):
        source(*given, np.float32)


def test_integers_that_a_half_cannot_hold_are_refused():
    with pytest.raises(DataError, match="too large for float16 in row 0 of column 1"):
        source([[1, 70_000]], [0], np.float16)


def test_parquet_without_pyarrow_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "chainrule\[parquet\]"'):
        source(file(tmp_path, "a.parquet", b""), "t", np.float32)


REMARKS = {
    "constant": (lambda: np.ones(8), "column 'd' is constant"),
    "rounded": (lambda: 2**24 + np.arange(8), "whole numbers above 16,777,216 in column 'd'"),
}


@pytest.mark.parametrize("case", REMARKS)
def test_a_column_that_is_seldom_meant_is_warned_of_at_the_user_s_line(case):
    make, said = REMARKS[case]
    with pytest.warns(DataWarning, match=said) as told:
        found = source(frame(d=make()), Y, np.float32)
    assert told[0].filename == __file__
    assert said in found.notes[0]


def test_pixels_that_never_change_are_noted_and_not_warned_of():
    x = X.copy()
    x[:, 1] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert source(x, Y, np.float32).notes == (
            "column 1 is constant: nothing can be learned from what never changes",
        )


def test_a_source_of_the_user_s_own_is_taken_as_it_is():
    class Squares(Source):
        def __len__(self):
            return 10

        def take(self, rows):
            return rows[:, None].astype(np.float32), rows.astype(np.float32) ** 2

    assert source(Squares(), None, np.float32).shape == (10, 1)


# ------------------------------------------------------------------ numbers as people write them

WRITTEN = {  # cells of a column, its delimiter → their numbers
    "plain": (["1", "2.5", "-3e2"], ",", [1, 2.5, -300]),
    "thousands": (["1,200", "950.50", "1,000,000"], ",", [1200, 950.5, 1e6]),
    "decimal commas": (["1,5", "2", "-0,25"], ",", [1.5, 2, -0.25]),
    "three decimals": (["1,234", "2,345"], ";", [1.234, 2.345]),
    "or thousands": (["1,234", "2,345"], ",", [1234, 2345]),
    "points and commas": (["1.200,5", "3,25"], ";", [1200.5, 3.25]),
    "spaces": (["1 200", "12 345 678", "7"], ",", [1200, 12345678, 7]),
    "thin spaces": (["1\u202f200,5", "2\u00a0300"], ";", [1200.5, 2300]),
    "apostrophes": (["1'200.5", "30"], ",", [1200.5, 30]),
    "dollars": (["$1,200", "-$3.50", "$-4", "5"], ",", [1200, -3.5, -4, 5]),
    "euros": (["4,50 €", "1.000,00 €"], ";", [4.5, 1000]),
    "codes": (["CHF 12", "CHF 13.5"], ",", [12, 13.5]),
    "percent": (["12%", "3.5 %", "-1%"], ",", [12, 3.5, -1]),
    "a gap": (["$1", "", "n/a"], ",", [1, np.nan, np.nan]),
    "two currencies": (["$1", "$2", "€3"], ",", [1, 2, np.nan]),
    "percent and not": (["1%", "2%", "3"], ",", [1, 2, np.nan]),
    "a date": (["$1", "2020-01-01", "$2"], ",", [1, np.nan, 2]),
    "groups of two": (["1,200.5", "12,34", "3,400"], ",", [1200.5, np.nan, 3400]),
    "too large": (["1e999", "$1"], ",", [np.nan, 1]),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_numbers_are_read_as_people_write_them(case):
    cells, delimiter, known = WRITTEN[case]
    style = number_style(cells, delimiter)
    assert [number(c, style) for c in cells] == pytest.approx(known, nan_ok=True)


def test_a_style_says_what_had_to_be_understood():
    assert Style(",", ".", "€").told == [
        "decimal commas", "thousands separated by points", "the sign € is left off",
    ]  # fmt: skip
