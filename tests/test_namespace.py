"""The package is an Array API namespace, speaks NumPy's protocols, and imports lightly."""

import copy
import inspect
import operator
import pickle
import re
import types

import numpy as np
import pytest
from processes import said

import chainrule as cr

STANDARD = re.findall(
    r"\S+",
    """
__array_api_version__ __array_namespace_info__ abs acos acosh add all any arange argmax argmin
argsort asarray asin asinh astype atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift
bitwise_or bitwise_right_shift bitwise_xor bool broadcast_arrays broadcast_to can_cast ceil clip
concat conj copysign cos cosh count_nonzero cumulative_prod cumulative_sum diff divide e empty
empty_like equal exp expand_dims expm1 eye finfo flip float32 float64 floor floor_divide
from_dlpack full full_like greater greater_equal hypot iinfo imag inf int16 int32 int64 int8
isdtype isfinite isinf isnan less less_equal linspace log log10 log1p log2 logaddexp logical_and
logical_not logical_or logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum
moveaxis multiply nan negative newaxis nextafter nonzero not_equal ones ones_like permute_dims pi
positive pow prod real reciprocal remainder repeat reshape result_type roll round searchsorted
sign signbit sin sinh sort sqrt square squeeze stack std subtract sum take take_along_axis tan
tanh tensordot tile tril triu trunc uint16 uint32 uint64 uint8 unique_all unique_counts
unique_inverse unique_values unstack var vecdot where zeros zeros_like
""",
)

HEAVY = ("optree", "rich", "click", "sklearn", "torch", "safetensors", "numpy.f2py", "numpy.ma")

A = np.array([[2.0, 0.5], [0.25, 1.5]])
B = np.array([0.5, 2.0])

# A call of NumPy's, to be made of arrays and of tensors: the value must be the same.
CALLS = {
    "np.sin": lambda a, b: np.sin(a),
    "np.add": lambda a, b: np.add(1.0, a),
    "np.arctan2": lambda a, b: np.arctan2(a, b),
    "np.power": lambda a, b: np.power(a, 3.0),
    "np.matmul": lambda a, b: np.matmul(a, b),
    "np.sum": lambda a, b: np.sum(a, axis=0),
    "np.sum by place": lambda a, b: np.sum(a, 1, keepdims=True),
    "np.mean": lambda a, b: np.mean(a, axis=-1),
    "np.std": lambda a, b: np.std(a, axis=0, ddof=1),
    "np.max": lambda a, b: np.max(a, axis=1),
    "np.prod": lambda a, b: np.prod(a),
    "np.cumsum": lambda a, b: np.cumsum(a, axis=1),
    "np.concatenate": lambda a, b: np.concatenate([a, a], 1),
    "np.stack": lambda a, b: np.stack([b, b], axis=1),
    "np.where": lambda a, b: np.where(a > 1.0, a, b),
    "np.clip": lambda a, b: np.clip(a, 0.3, a_max=1.7),
    "np.transpose": lambda a, b: np.transpose(a),
    "np.swapaxes": lambda a, b: np.swapaxes(a, 0, 1),
    "np.reshape": lambda a, b: np.reshape(a, (4,)),
    "np.ravel": lambda a, b: np.ravel(a),
    "np.squeeze": lambda a, b: np.squeeze(np.expand_dims(b, 0)),
    "np.roll": lambda a, b: np.roll(a, 1, axis=0),
    "np.flip": lambda a, b: np.flip(a, 0),
    "np.repeat": lambda a, b: np.repeat(a, 2, axis=0),
    "np.tile": lambda a, b: np.tile(b, 3),
    "np.take": lambda a, b: np.take(a, [1, 0], axis=1),
    "np.sort": lambda a, b: np.sort(a, axis=0),
    "np.diff": lambda a, b: np.diff(a),
    "np.pad": lambda a, b: np.pad(a, 1),
    "np.dot": lambda a, b: np.dot(a, b),
    "np.outer": lambda a, b: np.outer(b, b),
    "np.tensordot": lambda a, b: np.tensordot(a, b, axes=1),
    "np.einsum": lambda a, b: np.einsum("ij,j->i", a, b),
    "np.trace": lambda a, b: np.trace(a),
    "np.diagonal": lambda a, b: np.diagonal(a),
    "np.tril": lambda a, b: np.tril(a),
    "np.broadcast_to": lambda a, b: np.broadcast_to(b, (3, 2)),
    "np.linalg.norm": lambda a, b: np.linalg.norm(a, axis=1),
    "np.linalg.inv": lambda a, b: np.linalg.inv(a),
    "np.linalg.solve": lambda a, b: np.linalg.solve(a, b),
    "np.linalg.det": lambda a, b: np.linalg.det(a),
    "array on the left": lambda a, b: np.ones((2, 2)) @ a,
    "scalar on the left": lambda a, b: np.float64(3.0) * a,
}

REFUSED = {
    "np.cross": lambda t: np.cross(t, t),
    "np.cbrt": lambda t: np.cbrt(t),
    "np.add.reduce": lambda t: np.add.reduce(t),
    "np.median": lambda t: np.median(t),
    "initial=": lambda t: np.sum(t, initial=3.0),
    "ord=": lambda t: np.linalg.norm(t, ord=1),
    "decimals=": lambda t: np.round(t, 2),
    "where=": lambda t: np.sin(t, where=np.array(True)),
    "order=": lambda t: np.reshape(t, (2,), order="F"),
    "missing": lambda t: np.where(t),
}

CREATED = {
    "asarray": (lambda xp: xp.asarray([1, 2]), "int64"),
    "asarray bool": (lambda xp: xp.asarray([True]), "bool"),
    "asarray float": (lambda xp: xp.asarray(1.5), "float64"),
    "zeros": (lambda xp: xp.zeros((2, 0)), "float64"),
    "ones": (lambda xp: xp.ones(3, dtype=xp.int8), "int8"),
    "full": (lambda xp: xp.full((2,), 7), "int64"),
    "arange": (lambda xp: xp.arange(2, 9, 3), "int64"),
    "arange to": (lambda xp: xp.arange(3.0), "float64"),
    "linspace": (lambda xp: xp.linspace(0, 1, 3, endpoint=False), "float64"),
    "eye": (lambda xp: xp.eye(2, 3, k=1), "float64"),
    "zeros_like": (lambda xp: xp.zeros_like(xp.asarray([1, 2])), "int64"),
    "full_like": (lambda xp: xp.full_like(xp.ones(2), 3), "float64"),
}

WRONG = {
    "complex": (lambda: cr.asarray([1j]), cr.DTypeError, "real"),
    "complex dtype": (lambda: cr.zeros(2, dtype="complex128"), cr.DTypeError, "real"),
    "text": (lambda: cr.asarray("a"), cr.DTypeError, "numbers"),
    "ragged": (lambda: cr.asarray([[1], [1, 2]]), cr.ShapeError, "different lengths"),
    "no copy": (lambda: cr.asarray([1], copy=False), cr.UsageError, "copy=False"),
    "no cast": (lambda: cr.asarray(cr.ones(2), dtype="int8", copy=False), cr.UsageError, "int8"),
    "device": (lambda: cr.ones(2, device="gpu"), cr.UsageError, "'cpu'"),
    "dtype": (lambda: cr.ones(2, dtype="float99"), cr.DTypeError, "float99"),
    "finfo": (lambda: cr.finfo(cr.int8), cr.DTypeError, "iinfo"),
    "iinfo": (lambda: cr.iinfo(cr.float32), cr.DTypeError, "finfo"),
    "kind": (lambda: cr.isdtype(cr.int8, "whole"), cr.UsageError, "integral"),
    "step": (lambda: cr.arange(0, 1, 0), cr.UsageError, "arange"),
    "grid": (lambda: cr.meshgrid(cr.ones(2), indexing="yx"), cr.UsageError, "'ij'"),
    "side": (lambda: cr.searchsorted(B, B, side="up"), cr.UsageError, "'left'"),
    "no axis": (lambda: cr.nonzero(cr.tensor(1.0)), cr.UsageError, "single number"),
    "diff": (lambda: cr.diff(B, n=-1), cr.UsageError, "n=-1"),
    "index": (lambda: operator.index(cr.tensor(1.0)), cr.DTypeError, "integer"),
    "truth": (lambda: bool(cr.tensor([1.0, 2.0])), cr.ShapeError, "cr.any"),
    "assignment": (lambda: operator.setitem(cr.ones(2), 0, 1), cr.InPlaceError, "cr.where"),
    "out=": (lambda: np.add(A, cr.tensor(A), out=A.copy()), cr.InPlaceError, "np.add"),
    "out= of sum": (lambda: np.sum(cr.tensor(B), out=np.ones(())), cr.InPlaceError, "np.sum"),
    "axes of trace": (lambda: np.trace(cr.ones((2, 2, 2))), cr.UsageError, "moveaxis"),
    "version": (lambda: cr.ones(1).__array_namespace__(api_version="1"), cr.UsageError, "2024"),
    "mask": (lambda: cr.ones(3)[np.ones(2, bool)], IndexError, "sizes"),
}


def slope(f, x, step=1e-6):
    """The gradient of Σf by central differences."""
    steps = step * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + s) - f(x - s)).sum() / (2 * step) for s in steps]).reshape(x.shape)


@pytest.mark.parametrize("name", sorted(cr.__all__))
def test_every_public_name_resolves_and_is_explained(name):
    found = getattr(cr, name)
    plain = isinstance(found, (float, type(None), np.dtype))
    assert plain or (inspect.getdoc(found) or "").strip()


@pytest.mark.parametrize("name", STANDARD)
def test_every_name_of_the_standard_is_in_the_namespace(name):
    assert hasattr(cr, name)


def test_names_are_listed_once_and_found_by_dir_and_star():
    assert len(set(cr.__all__)) == len(cr.__all__)
    assert set(cr.__all__) <= set(dir(cr))
    starred = said("from chainrule import *; print(*[n for n in dir()])").split()
    assert set(cr.__all__) <= set(starred)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="complex64"):
        _ = cr.complex64


def test_the_version_is_the_installed_one():
    from importlib.metadata import version

    assert cr.__version__ == version("chainrule")


def test_importing_the_package_imports_nothing_heavy():
    loaded = said("import sys, chainrule; print(*sys.modules)").split()
    assert not set(loaded) & set(HEAVY)


def test_functions_do_not_hide_the_rooms_they_come_from():
    in_order = "import chainrule as cr, chainrule.ops, chainrule.graph, chainrule.eager as e;"
    kinds = said(f"{in_order} print(type(cr.ops).__name__, type(cr.graph).__name__)").split()
    assert kinds == ["module", "module"]
    assert isinstance(cr.nn, types.ModuleType)


@pytest.mark.parametrize("name", CREATED)
def test_creation_agrees_with_numpy_and_makes_tensors(name):
    make, dtype = CREATED[name]
    made = make(cr)
    assert isinstance(made, cr.Tensor)
    assert made.dtype == dtype == make(np).dtype
    np.testing.assert_array_equal(made.value, make(np))


def test_asarray_keeps_ints_and_tensor_makes_floats():
    assert (cr.asarray([1, 2]).dtype, cr.tensor([1, 2]).dtype) == (cr.int64, cr.float64)


def test_asarray_shares_an_array_and_keeps_a_tensor():
    x, t = np.zeros(2), cr.tensor([1.0])
    assert np.shares_memory(cr.asarray(x).value, x)
    assert not np.shares_memory(cr.asarray(x, copy=True).value, x)
    assert cr.asarray(t) is t


def test_tensors_in_a_list_keep_their_gradient():
    given = np.array([1.0, 2.0])
    found = cr.grad(lambda x: cr.sum(cr.asarray([[x[0], 3.0], [x[1], x[1]]])))(given)
    np.testing.assert_array_equal(found, [1.0, 2.0])


@pytest.mark.parametrize("like", ["zeros_like", "ones_like", "empty_like"])
def test_what_is_handed_decides_the_kind(like):
    make = getattr(cr, like)
    assert type(make(A)) is np.ndarray
    assert type(make(cr.tensor(A))) is cr.Tensor
    shapes = []
    cr.capture(lambda x: shapes.append(type(make(x)).__name__) or x, A)
    assert shapes == ["Node"]


@pytest.mark.parametrize("name", CALLS)
def test_a_function_of_numpys_gives_a_tensor_with_the_same_value(name):
    made = CALLS[name](cr.tensor(A), cr.tensor(B))
    assert isinstance(made, cr.Tensor)
    np.testing.assert_allclose(made.value, CALLS[name](A, B), rtol=1e-14)


@pytest.mark.parametrize("name", CALLS)
def test_a_function_of_numpys_carries_the_gradient(name):
    def of_a(a):
        return CALLS[name](a, B)

    def of_b(b):
        return CALLS[name](A, b)

    a, b = cr.tensor(A), cr.tensor(B)
    cr.sum(CALLS[name](a, b)).backward()
    for x, f in ((a, of_a), (b, of_b)):
        grad = np.zeros(x.shape) if x.grad is None else x.grad
        np.testing.assert_allclose(grad, slope(f, x.value), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", REFUSED)
def test_what_numpy_cannot_do_with_a_tensor_is_refused_in_words(name):
    with pytest.raises(cr.UsageError, match=r"np\..*(leaves the graph|argument).*\n.*test_namesp"):
        REFUSED[name](cr.tensor(B))


def test_a_question_of_numpys_is_answered():
    t = cr.tensor(A)
    assert np.allclose(t, A)
    assert np.array_equal(A, t)
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((2, 2), 2, 4)
    assert np.result_type(cr.tensor(B, dtype=cr.float32), 1.0) == cr.float32


def test_numpy_reads_a_tensor_without_copying_and_cannot_write():
    t = cr.tensor(B)
    seen = np.asarray(t)
    assert np.shares_memory(seen, np.asarray(t))
    with pytest.raises(ValueError, match="read-only"):
        seen[0] = 1.0
    assert np.asarray(t, dtype=np.float32).dtype == np.float32
    np.array(t)[0] = 7.0
    assert t.value[0] == B[0]


def test_dlpack_goes_both_ways():
    x = np.arange(3.0)
    assert np.shares_memory(cr.from_dlpack(x).value, x)
    np.testing.assert_array_equal(np.from_dlpack(cr.tensor(x)), x)
    x.flags.writeable = False
    np.testing.assert_array_equal(np.from_dlpack(cr.asarray(x)), x)
    assert cr.asarray(x).__dlpack__() is not None  # the old protocol: a copy


def test_the_namespace_of_a_tensor_is_the_package():
    assert cr.tensor(1.0).__array_namespace__(api_version="2024.12") is cr
    assert cr.__array_api_version__ == "2024.12"


def test_the_namespace_describes_itself():
    info = cr.__array_namespace_info__()
    assert info.default_dtypes()["integral"] == cr.int64
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert info.dtypes(kind="complex floating") == {}
    assert info.devices() == [info.default_device()] == [cr.ones(1).device]


@pytest.mark.parametrize(
    ("given", "kind"), [(cr.float32, "numeric"), (cr.bool, "bool"), (cr.uint8, "integral")]
)
def test_a_dtype_is_of_its_kind_and_no_other(given, kind):
    others = {"bool", "integral", "real floating", "complex floating"} - {kind}
    assert cr.isdtype(given, kind)
    assert cr.isdtype(given, (cr.int64, kind))
    assert sum(cr.isdtype(given, other) for other in others) == (kind == "numeric")


@pytest.mark.parametrize("symbol", ["iadd", "isub", "imul", "itruediv", "ipow", "imatmul"])
def test_an_operator_with_assignment_makes_a_new_tensor(symbol):
    before = t = cr.tensor(A)
    t = getattr(operator, symbol)(t, cr.tensor(A))
    assert t is not before
    np.testing.assert_array_equal(before.value, A)


@pytest.mark.parametrize(("kind", "given"), [(bool, 1), (int, 3), (float, 2.5), (complex, 2.5)])
def test_one_number_becomes_pythons(kind, given):
    made = kind(cr.asarray(given))
    assert type(made) is kind
    assert made == kind(given)


def test_an_integer_tensor_is_an_index():
    assert [10, 20, 30][cr.asarray(2)] == 30


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_in_our_words(name):
    make, kind, words = WRONG[name]
    with pytest.raises(kind) as caught:
        make()
    assert isinstance(caught.value, cr.ChainruleError)
    assert words in str(caught.value).partition("made at")[0]  # not in the user's own line


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_a_sum_is_in_the_dtype_that_is_asked_for(dtype):
    made = [f(cr.ones(3), dtype=dtype, axis=0) for f in (cr.sum, cr.prod, cr.cumulative_sum)]
    assert [y.dtype for y in made] == [np.dtype(dtype)] * 3


@pytest.mark.parametrize("mask", [True, False])
def test_a_mask_without_axes_takes_all_or_nothing(mask):
    chosen = cr.tensor(B)[cr.asarray(mask)]
    np.testing.assert_array_equal(chosen.value, B[np.asarray(mask)])


def test_real_numbers_have_no_imaginary_part():
    x = cr.tensor([1.0, np.inf])
    assert (cr.real(x).value == x.value).all()
    assert (cr.conj(x).value == x.value).all()
    assert (cr.imag(x).value == 0).all()


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse"])
def test_unique_agrees_with_numpy_in_the_kind_it_was_handed(name):
    x = np.array([2.0, np.nan, 2.0, np.nan, 1.0])
    made, expected = getattr(cr, name)(cr.tensor(x)), getattr(np, name)(x)
    assert made._fields == expected._fields
    assert {type(part) for part in made} == {cr.Tensor}
    for part, known in zip(made, expected, strict=True):
        np.testing.assert_array_equal(part.value, known)


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_a_copy_is_a_leaf_with_the_same_numbers_and_name(again):
    made = again(cr.tensor(B, name="b").named("b") * 1.0)
    np.testing.assert_array_equal(made.value, B)
    assert made.inputs == ()
    assert again(cr.tensor(B, name="b")).name == "b"


@pytest.mark.parametrize(("op", "shown"), [("sin", "(x, /)"), ("add", "(x, y, /)")])
def test_help_shows_the_operands_of_an_op(op, shown):
    assert str(inspect.signature(getattr(cr, op))) == shown
