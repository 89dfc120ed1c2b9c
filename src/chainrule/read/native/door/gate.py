"""The door's program, loaded: where its functions lie, and a function of Python's over a sheet."""

from __future__ import annotations

import ctypes
import re
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from importlib import import_module
from struct import pack
from typing import Any

import numpy as np

from ..machine.engine import Code, link, missing, named
from ..machine.fingerprint import compiler
from ..machine.objects import there
from .language import compiled
from .layout import FIGURES, LAYOUT, OUTSIDE, PLAIN, WORD, WRITEABLE
from .program import PROGRAM

# Functions of NumPy's C interface by their place in its table, which never changes.
NUMPY = {"PyArray_Scalar": 60, "PyArray_ScalarAsCtype": 62, "PyArray_Empty": 184}
FASTCALL = 0x0080 | 0x0002  # METH_FASTCALL | METH_KEYWORDS


class _Method(ctypes.Structure):
    """PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p), ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int), ("doc", ctypes.c_char_p),
    )  # fmt: skip


class Gate:
    """The program in memory. Raises AttributeError where Python lacks a function it calls."""

    def __init__(self) -> None:
        api = _numpy()
        for name in OUTSIDE:
            link(name, api[name] if name in api else _address(getattr(ctypes.pythonapi, name)))
        self.code = Code(lambda: compiled(PROGRAM, OUTSIDE, FIGURES), _name())
        names = re.findall(r"^def ((?:take|out|make)_\w+)", PROGRAM, re.M)
        self.kinds = {name: self.code.address(name) for name in names}
        self.method = _Method(b"compiled", self.code.address("door"), FASTCALL, None)
        self.function = ctypes.pythonapi.PyCFunction_NewEx
        self.function.restype = ctypes.py_object
        self.function.argtypes = (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)

    def door(self, words: list[int], keep: tuple) -> Callable:
        """A function of Python's that walks along these words; `keep` lives as long as it does."""
        sheet = pack(f"{len(words)}q", *words)
        return self.function(ctypes.addressof(self.method), (sheet, *keep), None)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _numpy() -> dict[str, int]:
    """Addresses of functions of NumPy's C interface."""
    core = import_module("numpy._core._multiarray_umath")
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = ctypes.cast(pointer(core._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p))
    return {name: table[place] or 0 for name, place in NUMPY.items()}


def laid_out_as_known() -> bool:
    """Whether Python and NumPy lay out their objects as the program reads them."""
    if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != WORD:
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED") or object.__basicsize__ % WORD:
        return False
    samples = (
        np.zeros((3, 5, 2), np.float32), np.zeros((2, 2))[:, ::-1], np.zeros(0, np.int64)[None],
        np.array(1.5), np.frombuffer(b"12345678", np.uint8), np.arange(9.0)[3:],
    )  # fmt: skip
    return all(map(_as_known, samples))


def _as_known(x: Any) -> bool:
    def word(k: int) -> int:
        return ctypes.c_int64.from_address(id(x) + WORD * k).value

    def half(k: int) -> int:
        return ctypes.c_int32.from_address(id(x) + WORD * k).value

    flags, sizes = half(LAYOUT["FLAGS"]), word(LAYOUT["SIZES"])
    found = (
        word(LAYOUT["TYPE"]), word(LAYOUT["DATA"]), half(LAYOUT["AXES"]), word(LAYOUT["DESCR"]),
        word(LAYOUT["BASE"]), flags & 1, bool(flags & PLAIN & ~1), bool(flags & WRITEABLE),
        tuple(ctypes.c_int64.from_address(sizes + WORD * k).value for k in range(x.ndim)),
    )  # fmt: skip
    base = 0 if x.base is None else id(x.base)
    f = x.flags
    return found == (
        id(np.ndarray), x.ctypes.data, x.ndim, id(x.dtype), base, f.c_contiguous, f.aligned,
        f.writeable, x.shape,
    )  # fmt: skip


def _name() -> str:
    """What the program's code is called on disk."""
    return named("door", compiler())


def patience() -> int:
    """After how many calls of a form it is worth a door: a door saves some 20 µs of each.

    It takes 0.2 ms where the program is loaded, 3 ms more where that is on disk, and a tenth of a
    second where it has to be compiled.
    """
    return 1 if gate.cache_info().currsize else _from_afar()


@cache
def _from_afar() -> int:
    return 50 if not missing() and there(_name()) else 2000


@cache
def gate() -> Gate | None:
    """The program, loaded when first asked for; None where Python's objects are not as known."""
    if missing() or not laid_out_as_known():
        return None
    try:
        return Gate()
    except (AttributeError, ImportError):
        return None
