"""The command `chainrule`."""

from __future__ import annotations

import click

from .compare import compare_command
from .doctor import doctor_command
from .explain import explain_command
from .practice import practice_command
from .terminal import Commands
from .training import train_command


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="chainrule", message="chainrule %(version)s")
def main() -> None:
    """See-through backpropagation: train a network, and see where every gradient comes from.

    \b
    Four things to try first:
      chainrule train digits
      chainrule explain "(x + y) * z" x=-2 y=5 z=-4
      chainrule practice --set seed2
      chainrule train YOUR.csv --target COLUMN

    Every command tells more with --help.
    """


main.add_command(train_command)
main.add_command(explain_command)
main.add_command(compare_command)
main.add_command(practice_command)
main.add_command(doctor_command)
