"""The program that takes arguments apart, runs compiled code, and puts results together.

A compiled function is called with a tree of arrays and numbers. To look at each of them, to
allocate what comes out and to build the tree of results takes a dozen microseconds in Python, and
less than one here. What is to be done differs from function to function; it stands in a sheet of
words, and this one program walks along it. A sheet has a head (`layout.HEAD`), then records. The
first word of a record is the address of the function below that knows what the others mean.

Everything is done by Python's and NumPy's own C functions, but for reading the fields of an array
(`layout.LAYOUT`), whose places are checked before anything relies on them. It is written in the
little language next door.
"""

from __future__ import annotations

# The frame of a call: the objects that it keeps alive, the table of addresses of their numbers (the
# arena's comes first), and a cell for each number that is in no object. A slot counts buffers.
FRAME = """
def _hold(frame, slot, x, data):
    Py_IncRef(x)
    frame[0][slot] = x
    frame[1][slot + 1] = data

def _cell(frame, slot):
    cell = frame[2] + W * slot
    frame[1][slot + 1] = cell
    return cell

def _let_go(frame, buffers):
    for k in range(buffers):
        if frame[0][k]:
            Py_DecRef(frame[0][k])
"""

# `take_…` looks at one object of the arguments and gives the next record; or 0, where the object is
# not what the record says. The comment says what the words of the record are.
TAKE = '''
def _take(x, rec, frame):
    """What is looked into is kept alive meanwhile."""
    if not x:
        return 0
    Py_IncRef(x)
    next = call(rec[0], x, rec, frame)
    Py_DecRef(x)
    return next

def take_array(x, rec, frame):
    """type, descr, axes, slot, sizes…"""
    if x[TYPE] != rec[1] or x[DESCR] != rec[2] or half(x, AXES) != rec[3]:
        return 0
    if (half(x, FLAGS) & PLAIN) != PLAIN:
        return 0
    sizes = x[SIZES]
    for k in range(rec[3]):
        if sizes[k] != rec[k + 5]:
            return 0
    _hold(frame, rec[4], x, x[DATA])
    return rec + W * (rec[3] + 5)

def take_float(x, rec, frame):
    """type, slot"""
    if x[TYPE] != rec[1]:
        return 0
    _cell(frame, rec[2])[0] = PyFloat_AsDouble(x)
    return rec + W * 3

def take_int(x, rec, frame):
    """type, slot"""
    if x[TYPE] != rec[1]:
        return 0
    beyond = room(1)
    _cell(frame, rec[2])[0] = PyLong_AsLongLongAndOverflow(x, beyond)
    if half(beyond, 0):
        return 0
    return rec + W * 3

def take_number(x, rec, frame):
    """type, slot; one of NumPy's numbers"""
    if x[TYPE] != rec[1]:
        return 0
    PyArray_ScalarAsCtype(x, _cell(frame, rec[2]))
    return rec + W * 3

def take_same(x, rec, frame):
    """object: this very one, or one of its type that equals it"""
    if x != rec[1]:
        if x[TYPE] != rec[1][TYPE] or PyObject_RichCompareBool(x, rec[1], EQ) != 1:
            return 0
    return rec + W * 2

def take_having(x, rec, frame):
    """type, name, object, then a record for x itself: its attribute is this object"""
    if x[TYPE] != rec[1]:
        return 0
    found = PyObject_GetAttr(x, rec[2])
    if not found:
        return 0
    Py_DecRef(found)
    if found != rec[3]:
        return 0
    return _take(x, rec + W * 4, frame)

def take_attribute(x, rec, frame):
    """type, name, then a record for the attribute of that name"""
    if x[TYPE] != rec[1]:
        return 0
    found = PyObject_GetAttr(x, rec[2])
    if not found:
        return 0
    next = _take(found, rec + W * 3, frame)
    Py_DecRef(found)
    return next

def take_dict(x, rec, frame):
    """type, count, keys…, then their records"""
    if x[TYPE] != rec[1] or PyDict_Size(x) != rec[2]:
        return 0
    next = rec + W * (rec[2] + 3)
    for k in range(rec[2]):
        if next:
            next = _take(PyDict_GetItemWithError(x, rec[k + 3]), next, frame)
    return next

def take_apart(x, rec, frame):
    """type, function, settings, type of tuples, count, then records: x is taken apart by the
    function, into a tuple of parts, settings, and what does not matter here"""
    if x[TYPE] != rec[1]:
        return 0
    apart = PyObject_CallOneArg(rec[2], x)
    if not apart:
        return 0
    next = 0
    if apart[TYPE] == rec[4]:
        if PyObject_RichCompareBool(PyTuple_GetItem(apart, 1), rec[3], EQ) == 1:
            next = take_tuple(PyTuple_GetItem(apart, 0), rec + W * 3, frame)
    Py_DecRef(apart)
    return next
'''

# Tuples and lists, which differ in the names of Python's functions alone.
SEQUENCE = '''
def take_sequence(x, rec, frame):
    """type, count, then their records"""
    if x[TYPE] != rec[1] or PySequence_Size(x) != rec[2]:
        return 0
    next = rec + W * 3
    for k in range(rec[2]):
        if next:
            next = _take(PySequence_GetItem(x, k), next, frame)
    return next

def make_sequence(rec, frame, rest):
    """count, then their records"""
    rest[0] = rec + W * 2
    made = PySequence_New(rec[1])
    for k in range(rec[1]):
        if made:
            part = _make(rest[0], frame, rest)
            if part:
                PySequence_SetItem(made, k, part)
            else:
                Py_DecRef(made)
                made = 0
    return made
'''
SEQUENCES = "".join(
    SEQUENCE.replace("PySequence", f"Py{kind}").replace("sequence", kind.lower())
    for kind in ("Tuple", "List")
)

# `out_…` makes room for one result, and gives the next record; or 0.
OUT = '''
def out_array(rec, frame):
    """slot, descr, axes, sizes…: a new array"""
    Py_IncRef(rec[2])
    made = PyArray_Empty(rec[3], rec + W * 4, rec[2], 0)
    if not made:
        return 0
    _hold(frame, rec[1], made, made[DATA])
    Py_DecRef(made)
    return rec + W * (rec[3] + 4)

def out_cell(rec, frame):
    """slot: one number"""
    _cell(frame, rec[1])
    return rec + W * 2

def out_given(rec, frame):
    """slot, that of an argument that was given away, how many arguments: its memory, if it may be
    written to and is nobody else's"""
    x = frame[0][rec[2]]
    if not (half(x, FLAGS) & WRITEABLE):
        return 0
    for k in range(rec[3]):
        other = frame[0][k]
        if other:
            if other[BASE] or (other == x) != (k == rec[2]):
                return 0
    _hold(frame, rec[1], x, x[DATA])
    return rec + W * 4
'''

# `make_…` builds one object of what is returned, and says where the next record is; or gives 0,
# with Python's exception set.
MAKE = '''
def _make(rec, frame, rest):
    return call(rec[0], rec, frame, rest)

def _number(rec, frame):
    return frame[1][rec[1] + 1]

def make_array(rec, frame, rest):
    """slot"""
    rest[0] = rec + W * 2
    Py_IncRef(frame[0][rec[1]])
    return frame[0][rec[1]]

def make_number(rec, frame, rest):
    """slot, descr: one of NumPy's numbers"""
    rest[0] = rec + W * 3
    return PyArray_Scalar(_number(rec, frame), rec[2], 0)

def make_float(rec, frame, rest):
    """slot"""
    rest[0] = rec + W * 2
    return PyFloat_FromDouble(_number(rec, frame)[0])

def make_int(rec, frame, rest):
    """slot"""
    rest[0] = rec + W * 2
    return PyLong_FromLongLong(_number(rec, frame)[0])

def make_bool(rec, frame, rest):
    """slot"""
    rest[0] = rec + W * 2
    return PyBool_FromLong(byte(_number(rec, frame)))

def make_same(rec, frame, rest):
    """object"""
    rest[0] = rec + W * 2
    Py_IncRef(rec[1])
    return rec[1]

def make_dict(rec, frame, rest):
    """keys, then a record that makes a tuple: of their values"""
    values = _make(rec + W * 2, frame, rest)
    if not values:
        return 0
    made = PyDict_New()
    for k in range(PyTuple_Size(rec[1])):
        if made:
            PyDict_SetItem(made, PyTuple_GetItem(rec[1], k), PyTuple_GetItem(values, k))
    Py_DecRef(values)
    return made

def make_by(rec, frame, rest):
    """function, count, objects…, then a record: what the function makes of the objects and that"""
    count = rec[2]
    args = room(count + 1)
    for k in range(count):
        args[k] = rec[k + 3]
    part = _make(rec + W * (count + 3), frame, rest)
    if not part:
        return 0
    args[count] = part
    made = PyObject_Vectorcall(rec[1], args, count + 1, 0)
    Py_DecRef(part)
    return made
'''

# What Python calls: (a tuple that begins with the sheet, the arguments by place and then by name,
# how many of them are by place, the names or 0).
DOOR = '''
def _known(sheet, args, by_place, names, frame):
    """Whether the arguments are as the sheet says, and nobody is watching: the records after."""
    if by_place != sheet[BY_PLACE]:
        return 0
    if names != sheet[NAMES]:
        if not names or not sheet[NAMES]:
            return 0
        if PyObject_RichCompareBool(names, sheet[NAMES], EQ) != 1:
            return 0
    watcher = room(1)
    watcher[0] = 0
    PyContextVar_Get(sheet[WATCHER], 0, watcher)
    Py_DecRef(watcher[0])
    if watcher[0] != sheet[NONE]:
        return 0
    next = sheet + W * RECORDS
    for k in range(sheet[GIVEN]):
        if next:
            next = _take(args[k], next, frame)
    for k in range(sheet[OUTSIDE]):
        if next:
            next = _take(PyTuple_GetItem(sheet[OBJECTS], k), next, frame)
    return next

def _run(sheet, table):
    """The compiled code; long ones let other threads of Python run meanwhile. 0: an exception."""
    if sheet[HELP]:
        address = PyLong_FromLongLong(table)
        done = PyObject_CallOneArg(sheet[HELP], address)
        Py_DecRef(address)
    else:
        done = PyObject_CallNoArgs(sheet[ACQUIRE])
        if done:
            Py_DecRef(done)
            if sheet[SHARED]:
                thread = PyEval_SaveThread()
                call(sheet[GO], table, 0)
                PyEval_RestoreThread(thread)
            else:
                call(sheet[GO], table, 0)
            done = PyObject_CallNoArgs(sheet[RELEASE])
    if done:
        Py_DecRef(done)
    return done

def _troubled(sheet):
    if not sheet[TROUBLE]:
        return 0
    found = room(1)
    call(sheet[TROUBLE], found)
    return found[0]

def door(self, args, by_place, names):
    sheet = PyBytes_AsString(PyTuple_GetItem(self, 0))
    buffers = sheet[BUFFERS]
    frame = room(buffers * 3 + 5)
    frame[0] = frame + W * 3
    frame[1] = frame[0] + W * buffers
    frame[2] = frame[1] + W * (buffers + 1)
    for k in range(buffers):
        frame[0][k] = 0
    frame[1][0] = sheet[ARENA]
    rec = _known(sheet, args, by_place, names, frame)
    for k in range(sheet[OUTS]):
        if rec:
            rec = call(rec[0], rec, frame)
    if rec:
        if not _run(sheet, frame[1]):
            _let_go(frame, buffers)
            return 0
        if not _troubled(sheet):
            made = _make(rec, frame, room(1))
            _let_go(frame, buffers)
            return made
    PyErr_Clear()
    _let_go(frame, buffers)
    return PyObject_Vectorcall(sheet[OTHERWISE], args, by_place, names)
'''

PROGRAM = FRAME + TAKE + OUT + MAKE + SEQUENCES + DOOR
