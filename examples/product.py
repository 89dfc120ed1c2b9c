"""A sum and a product: the smallest graph in which a gradient is passed on and multiplied.

chainrule explain examples/product.py:value x=-2 y=5 z=-4
chainrule compare examples/product.py:value x=-2 y=5 z=-4
"""


def value(x, y, z):
    """(x + y) z"""
    q = x + y
    return q * z


if __name__ == "__main__":
    print(value(-2.0, 5.0, -4.0))
