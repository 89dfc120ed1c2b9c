"""Article 1: three gates, one product, and why backpropagation at all."""

from exhibit import Beside, Printed, Room, Table, command

import chainrule as cr


def product():
    """L = (x + y) z, for three numbers of your choice."""
    x, y, z = (cr.tensor(v, name=n) for n, v in (("x", -2.0), ("y", 5.0), ("z", -4.0)))
    q = (x + y).named("q")
    return (q * z).named("L")


def letters(x, y, z):
    """The same as a function, to be drawn without numbers."""
    q = x + y
    L = q * z
    return L


ROOM = Room(
    "product", "Three gates",
    "(x + y) z is the smallest graph in which a gradient is passed on and multiplied. It is also "
    "enough to see why the other ways to a derivative are slower.",
    "After “Why backpropagation?”", (product, letters),
)  # fmt: skip


@ROOM.shows(
    "P1.1", "The graph of L = (x + y) z",
    "Two gates, three inputs: once with letters, once with numbers.",
)  # fmt: skip
def graph():
    named = cr.draw(letters, 1.0, 1.0, 1.0, shapes=True, gradients=False)
    return Beside((named, cr.draw(product(), gradients=False)))


@ROOM.shows(
    "P1.2", "The same graph, backward",
    "∂L/∂z = q, ∂L/∂q = z, and the sum passes z on to x and to y.",
)  # fmt: skip
def backward():
    return cr.draw(letters, 1.0, 1.0, 1.0, shapes=True), cr.animate(product())


@ROOM.shows(
    "P1.3", "One node from near",
    "Upstream times local is downstream. Where two operations read a value, their gradients add "
    "up: 2 + 2 + 3 for x below.",
)  # fmt: skip
def node():
    x = cr.tensor(2.0, name="x")
    several = (x * x + 3.0 * x).named("f")
    return cr.draw(product(), node="q"), cr.draw(several), cr.trace(several)


@ROOM.shows(
    "C1.b", "A product of many",
    "The local gradient with respect to one factor is the product of all others; of a sum it is 1.",
)  # fmt: skip
def many():
    a, b, c, d = (cr.tensor(v, name=n) for n, v in zip("abcd", (2.0, -3.0, 4.0, 0.5), strict=True))
    return cr.derive((a * b * c * d).named("L"), wrt=[a, b, c, d]).section("simplification")


@ROOM.shows(
    "C1.c", "Upstream and downstream",
    "Upstream is where a gradient comes from, downstream where it goes: backward, the words "
    "swap their meaning.",
)  # fmt: skip
def words():
    return cr.trace(product())


@ROOM.shows(
    "C1.c", "Change a gate, derive nothing again",
    "A maximum for the sum, a tanh behind it: each gate knows its own local gradient, so nothing "
    "else has to be told.",
)  # fmt: skip
def modular():
    x, y, z = (cr.tensor(v, name=n) for n, v in (("x", -2.0), ("y", 5.0), ("z", -4.0)))
    return cr.draw(cr.tanh(cr.maximum(x, y) * z * 0.1).named("L"))


@ROOM.shows(
    "C1.a", "Three ways to a derivative",
    "Differences are imprecise, and their work grows with the number of inputs; algebra repeats "
    "itself; backpropagation is exact and its work a small multiple of the function's own.",
    steady=False,
)  # fmt: skip
def compared():
    return cr.pictures.comparison(cr.compare(lambda x: cr.sin(x**2), 1.5))


@ROOM.shows(
    "C1.a X1", "Counted: operations as the function grows",
    "sin(x²) applied again and again to its own result. “Symbolic is even slower than numerical” "
    "holds only while repeated sub-expressions are written out each time.",
)  # fmt: skip
def counted():
    growth = cr.compare(lambda x: cr.sin(x**2), 1.5).growth
    last = growth[-1]
    return Table(
        ("times", "forward", "backprop", "numerical", "symbolic, written out", "symbolic, shared"),
        tuple(tuple(map(str, (s.size, s.forward, s.backprop, s.numerical, s.symbolic, s.shared)))
              for s in growth),
    ), (
        Printed("symbolic against numerical", "“even slower than numerical”",
                f"{last.symbolic} against {last.numerical} operations written out, but only "
                f"{last.shared} with sharing",
                "true only where repeated sub-expressions are not shared"),
    )  # fmt: skip


@ROOM.shows(
    "C1.a", "Many inputs",
    "One input more costs the differences two passes more. Backpropagation takes one pass, "
    "however many inputs there are.",
)  # fmt: skip
def inputs():
    growth = cr.compare(lambda x, y: cr.exp(cr.sum(x * y)), [0.5, 0.2], [1.0, 2.0]).growth
    return Table(
        ("inputs", "one evaluation", "backprop", "numerical"),
        tuple(tuple(map(str, (s.inputs, s.forward, s.backprop, s.numerical))) for s in growth),
    )


@ROOM.shows(
    "P1.2", "The same from the command line",
    "Any expression in quotes; the table has a row for each way a gradient takes.",
)  # fmt: skip
def terminal():
    return command('chainrule explain "(x + y) * z" x=-2 y=5 z=-4')
