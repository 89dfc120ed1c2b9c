"""What a program says that runs in a process of its own."""

import subprocess
import sys


def said(program: str, **options) -> str:
    """What a fresh Python prints on running this; if it fails, its own words are the failure's."""
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, **options
    )
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    return made.stdout
