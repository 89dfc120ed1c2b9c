"""The command `chainrule`."""

from __future__ import annotations

import click

from .terminal import Commands

# Command → its module and name there, and what it does. A module is imported when it is wanted.
COMMANDS = {
    "train": ("training", "train_command", "Train a network on DATA and write a report."),
    "predict": ("predict", "predict_command", "Say what a run's network answers for new data."),
    "show": ("show", "show_command", "Show a run's curves, layers and gradients."),
    "compare-runs": ("compareruns", "compare_runs_command",
                     "Compare runs: settings that differ, results, curves."),
    "explain": ("explain", "explain_command",
                "Show the forward values and all gradients of FUNCTION."),
    "compare": ("compare", "compare_command", "Take one derivative in every way."),
    "practice": ("practice", "practice_command", "Exercises about a function, with hints."),
    "doctor": ("doctor", "doctor_command", "Show versions, processor, BLAS and extras."),
}  # fmt: skip


@click.group(
    cls=Commands,
    later={name: (f"{__package__}.{module}", attribute, told)
           for name, (module, attribute, told) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)  # fmt: skip
@click.version_option(package_name="chainrule", message="chainrule %(version)s")
def main() -> None:
    """See-through backpropagation: train a network, and see where every gradient comes from.

    \b
    Five things to try first:
      chainrule train digits
      chainrule show runs/digits-001
      chainrule explain "(x + y) * z" x=-2 y=5 z=-4
      chainrule practice --set seed2
      chainrule train YOUR.csv --target COLUMN

    Every command tells more with --help.
    """
