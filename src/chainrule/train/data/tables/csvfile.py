"""Read a CSV file as it comes: its encoding, delimiter and quotes, and the line of every row."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from ....graph.errors import DataError
from ....graph.spelling import nearest

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})  # in any letter case


@dataclass
class Table:
    """Columns of text by name; `lines` says where in the file each row begins."""

    columns: dict[str, list[str]]
    lines: list[int]
    source: str = "the table"
    delimiter: str = ","
    notes: list[str] = field(default_factory=list)
    word: str = "line"  # what `lines` counts

    def __len__(self) -> int:
        return len(self.lines)

    def rows(self, which: list[int]) -> Table:
        """Some of the rows, in this order."""
        columns = {n: [c[i] for i in which] for n, c in self.columns.items()}
        lines = [self.lines[i] for i in which]
        return Table(columns, lines, self.source, self.delimiter, list(self.notes), self.word)


def is_missing(cell: str) -> bool:
    """Whether a cell stands for no value: empty, NA, N/A, NaN, null, None or ?."""
    return cell.strip().lower() in MISSING


def read_csv(path: str | Path) -> Table:
    """A CSV file as a table of text, with its header as names.

    The encoding is UTF-8, UTF-16 with its mark, or Windows-1252; the delimiter is a comma,
    semicolon, tab or bar, whichever divides the lines most evenly.
    Raises: DataError where there is nothing to read, or a row has too few or many fields.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "cats.csv"
    >>> _ = path.write_text("weight;colour\\n4,2;grey\\n5,0;black\\n")
    >>> read_csv(path).columns
    {'weight': ['4,2', '5,0'], 'colour': ['grey', 'black']}
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(missing_file(path)) from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    text, encoding = decode(raw, str(path))
    if not text.strip():
        raise DataError(f"{path}: the file is empty; the first line must name the columns")
    table = parse_csv(text, str(path))
    if encoding == "cp1252":
        table.notes.append("the file is not UTF-8; it was read as Windows-1252")
    return table


def missing_file(path: Path) -> str:
    """What is said of a file that is not there, with the one whose name is nearest."""
    told = f"{path}: there is no such file"
    try:
        names = [p.name for p in path.parent.iterdir() if p.is_file()]
    except OSError:
        return f"{told}; nor is there a folder {path.parent}"
    # An ending that is alike makes no name alike: nope.toml is not meant by e.toml.
    found = nearest(path.name, [n for n in names if nearest(path.stem, [Path(n).stem])])
    return f"{told}; did you mean {path.with_name(found[0])}?" if found else told


def decode(raw: bytes, source: str = "the file") -> tuple[str, str]:
    """The text of a file, and the encoding it was in."""
    for mark, encoding in MARKS:
        if raw.startswith(mark):
            return raw.decode(encoding, errors="replace"), encoding
    if b"\0" in raw:
        raise DataError(f"{source}: this is not a text file; save the table as CSV in UTF-8")
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), "cp1252"


def parse_csv(text: str, source: str = "the table") -> Table:
    """CSV text as a table; see `read_csv`."""
    delimiter = sniff(text)
    rows = _rows(text, delimiter, source)
    if not rows:
        raise DataError(f"{source}: there are only blank lines; the first must name the columns")
    header = [name.strip() for name in rows[0][1]]
    _check_header(header, source)
    for line, row in rows[1:]:
        if len(row) != len(header):
            raise DataError(_ragged(line, row, header, delimiter, source))
    if len(rows) == 1:
        raise DataError(f"{source}: there is a header and no rows below it")
    columns = {n: [row[k].strip() for _, row in rows[1:]] for k, n in enumerate(header)}
    return Table(columns, [line for line, _ in rows[1:]], source, delimiter)


def _rows(text: str, delimiter: str, source: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found, line = [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                found.append((line, row))
            line = reader.line_num + 1
    except csv.Error as error:
        told = {"unexpected end of data": "a quote that begins here is never closed"}
        raise DataError(f"{source}: line {line}: {told.get(str(error), error)}") from None
    return found


def _check_header(header: list[str], source: str) -> None:
    twice = [n for n, k in Counter(header).items() if k > 1 and n]
    if twice:
        raise DataError(f"{source}: the column {twice[0]!r} is there twice; give each its own name")
    if "" in header:
        raise DataError(
            f"{source}: column {header.index('') + 1} has no name; the first line names them all"
        )
    if all(_is_number(n) for n in header):
        raise DataError(
            f"{source}: the first line is {', '.join(header[:5])}: numbers, where the names of "
            "the columns belong; add a line of names"
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _ragged(line: int, row: list[str], header: list[str], delimiter: str, source: str) -> str:
    more = "quote a field that has the delimiter in it" if len(row) > len(header) else ""
    missing = ", ".join(header[len(row) :][:3])
    less = f"nothing is there for {missing}" if missing else ""
    return (
        f"{source}: line {line} has {len(row)} fields, the header names {len(header)} "
        f"(divided by {DELIMITERS[delimiter]}); {more or less}"
    )


def sniff(text: str, lines: int = 50) -> str:
    """The delimiter that divides the first lines into equally many fields, and most of them.

    >>> sniff("a;b;c\\n1,5;2;3\\n")
    ';'
    """
    start = io.StringIO(text, newline="")
    sample = "".join(line for line, _ in zip(start, range(lines), strict=False))

    def score(delimiter: str) -> tuple[float, int]:
        counts = []
        try:
            for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
                if row:
                    counts.append(len(row))
        except csv.Error:
            return (0.0, 0)
        if not counts or counts[0] == 1:
            return (0.0, 0)
        return (counts.count(counts[0]) / len(counts), counts[0])

    return max(DELIMITERS, key=score)
