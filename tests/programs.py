"""The programs of examples/, imported as they are run: from the folder in which they lie."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parent.parent / "examples"


def program(folder: str, name: str) -> ModuleType:
    """The module of this name in that folder, which imports its neighbours by their names."""
    sys.path.insert(0, str(EXAMPLES / folder))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(EXAMPLES / folder))
