"""The house keeps its own rules: sizes, names, words."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
# What is read as an example of how it is done: the sources, and what stands beside them.
READ = [*SOURCES, *sorted(p for f in ("examples", "docs") for p in (ROOT / f).rglob("*.py"))]
PYTHON = [*READ, *(p for f in ("tests", "benchmarks") for p in (ROOT / f).rglob("*.py"))]
# Files that are tables of data, where a longer page is the better read, may be named here.
LONGER: dict[str, int] = {}


def functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]


def length(function: ast.FunctionDef) -> int:
    """Lines of code, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", READ, ids=lambda p: p.name)
def test_no_file_is_over_400_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= LONGER.get(path.name, 400)


@pytest.mark.parametrize("path", READ, ids=lambda p: p.name)
def test_no_function_is_over_40_lines(path):
    assert [f.name for f in functions(path) if length(f) > 40] == []


@pytest.mark.parametrize("path", READ, ids=lambda p: p.name)
def test_every_module_says_what_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_no_module_has_a_name_that_says_nothing():
    assert not [p for p in READ if p.stem in {"utils", "util", "helpers", "common", "misc", "base"}]


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: p.name)
def test_nothing_evaluates_or_unpickles(path):
    tree = ast.parse(path.read_text("utf-8"))
    called = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_source_reads_pickles(path):
    assert "pickle" not in path.read_text("utf-8")


@pytest.mark.parametrize("path", READ, ids=lambda p: p.name)
def test_every_public_function_says_what_it_gives(path):
    tree = ast.parse(path.read_text("utf-8"))
    public = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    shown = path.parent.name == "gallery"  # an exhibit's words are said where it is hung up
    assert [
        n.name for n in public
        if not n.name.startswith("_") and not ast.get_docstring(n)
        and not (shown and n.decorator_list)
    ] == []  # fmt: skip


def test_the_error_tree_names_every_error():
    from chainrule.graph import errors

    classes = {
        n
        for n, c in vars(errors).items()
        if isinstance(c, type) and c.__module__ == errors.__name__
    }
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"ChainruleError"}
    assert drawn == classes
