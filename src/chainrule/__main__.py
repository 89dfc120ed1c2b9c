"""`python -m chainrule` is the command `chainrule`."""

from .app.cli import main

if __name__ == "__main__":
    main(prog_name="chainrule")
