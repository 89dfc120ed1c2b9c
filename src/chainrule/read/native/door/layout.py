"""What the door's program relies on: fields of objects, words of a sheet, functions it calls."""

from __future__ import annotations

WORD = 8
OBJECT = object.__basicsize__ // WORD  # words of an object's head; its type is the last of them
# Fields of PyArrayObject, by word; NumPy promises them since 1.7.
LAYOUT = {
    "TYPE": OBJECT - 1, "DATA": OBJECT, "AXES": OBJECT + 1, "SIZES": OBJECT + 2,
    "BASE": OBJECT + 4, "DESCR": OBJECT + 5, "FLAGS": OBJECT + 6,
}  # fmt: skip
PLAIN, WRITEABLE = 0x101, 0x400  # NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_ALIGNED, NPY_ARRAY_WRITEABLE
# What a sheet begins with, by word.
HEAD = (
    "BY_PLACE", "GIVEN", "NAMES", "OUTSIDE", "OBJECTS", "BUFFERS", "OUTS", "ARENA", "GO", "SHARED",
    "ACQUIRE", "RELEASE", "HELP", "TROUBLE", "WATCHER", "NONE", "OTHERWISE", "RECORDS",
)  # fmt: skip
FIGURES = {
    **LAYOUT, "PLAIN": PLAIN, "WRITEABLE": WRITEABLE, "EQ": 2, "W": WORD,
    **{name: k for k, name in enumerate(HEAD)},
}  # fmt: skip

# What is called, by signature: Python's functions, and three of NumPy's.
OUTSIDE = {
    "PyTuple_New": "ptr(i64)", "PyTuple_Size": "i64(ptr)", "PyTuple_GetItem": "ptr(ptr, i64)",
    "PyTuple_SetItem": "i32(ptr, i64, ptr)",
    "PyList_New": "ptr(i64)", "PyList_Size": "i64(ptr)", "PyList_GetItem": "ptr(ptr, i64)",
    "PyList_SetItem": "i32(ptr, i64, ptr)",
    "PyDict_New": "ptr()", "PyDict_Size": "i64(ptr)", "PyDict_GetItemWithError": "ptr(ptr, ptr)",
    "PyDict_SetItem": "i32(ptr, ptr, ptr)",
    "PyFloat_AsDouble": "double(ptr)", "PyFloat_FromDouble": "ptr(double)",
    "PyLong_AsLongLongAndOverflow": "i64(ptr, ptr)", "PyLong_FromLongLong": "ptr(i64)",
    "PyBool_FromLong": "ptr(i64)", "PyBytes_AsString": "ptr(ptr)",
    "PyObject_GetAttr": "ptr(ptr, ptr)", "PyObject_RichCompareBool": "i32(ptr, ptr, i32)",
    "PyObject_CallNoArgs": "ptr(ptr)", "PyObject_CallOneArg": "ptr(ptr, ptr)",
    "PyObject_Vectorcall": "ptr(ptr, ptr, i64, ptr)",
    "PyContextVar_Get": "i32(ptr, ptr, ptr)", "PyErr_Clear": "void()",
    "PyEval_SaveThread": "ptr()", "PyEval_RestoreThread": "void(ptr)",
    "Py_IncRef": "void(ptr)", "Py_DecRef": "void(ptr)",
    "PyArray_Empty": "ptr(i32, ptr, ptr, i32)", "PyArray_Scalar": "ptr(ptr, ptr, ptr)",
    "PyArray_ScalarAsCtype": "void(ptr, ptr)",
}  # fmt: skip
