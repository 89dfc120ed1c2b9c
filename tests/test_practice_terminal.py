"""Practice as it is typed: questions, hints, a score, and a clean end."""

import os
import re
import select
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from chainrule.app.cli import main


def typed(*words, answers=""):
    return CliRunner().invoke(
        main, ["practice", *words], input=answers, prog_name="chainrule"
    )  # fmt: skip


def test_answers_from_a_pipe_are_judged_and_counted():
    made = typed("--set", "seed1", "--count", "3", answers="z\n-z\nq\n-12\n")
    assert made.exit_code == 0
    assert made.output.count("✓ right") == 3
    assert "✗ the sign is wrong" not in made.output.split("2/3")[0]
    assert "3 of 3 right (2 at the first go, 1 with a hint or a second try)" in made.output


def test_hints_come_one_after_the_other_and_end_with_the_answer():
    made = typed("sin(x**2)", "x=1.5", "--kinds", "formula", answers="?\n?\n?\n")
    told = made.output
    places = [told.index(w) for w in ("the chain rule", "local gradients", "x_g = ")]
    assert places == sorted(places)
    assert "0 of 1 right (1 shown)" in told


def test_skip_shows_the_answer_and_goes_on():
    made = typed("--set", "seed1", "--count", "2", answers="skip\nq\n")
    assert "∂L/∂x" in made.output
    assert "1 of 2 right (1 at the first go, 1 shown)" in made.output


def test_given_shows_the_computation_again():
    made = typed("--set", "seed1", "--count", "1", answers="given\nz\n")
    assert made.output.count("q = x + y") == 2


@pytest.mark.parametrize("word", ["quit", "exit", "QUIT", ""])
def test_leaving_tells_the_score(word):
    made = typed("--set", "seed1", answers=f"z\n{word}\n" if word else "z\n")
    assert made.exit_code == 0
    assert "1 of 1 right, 9 left (1 at the first go)" in made.output


def test_leaving_at_once_is_polite():
    made = typed("--set", "seed1")
    assert made.exit_code == 0
    assert made.output.endswith("until next time\n")


def test_the_slips_are_counted_at_the_end():
    made = typed("sin(x**2)", "x=1.5", "--kinds", "formula",
                 answers="cos(x**2)\n-cos(x**2)\n2*x\n2*x*cos(x**2)\n")  # fmt: skip
    assert "slips: outer without inner 2×, local gradient 1×" in made.output


def test_without_a_function_there_is_a_set():
    assert "(x + y) z" in typed(answers="quit\n").output


MISTAKES = (
    (["--set", "sed2"], "did you mean seed2"), (["--kinds", "formulae", "x", "x=1"], "formula"),
    (["x*y", "x=1"], "y has no value"), (["--count", "0"], "--count: give a whole number, 1"),
    (["--counts", "3"], "no option --counts"), (["x", "x=1", "--set", "seed1"], "not both"),
    (["nowhere.py:f"], "there is no file"), (["x * 2", "x=1", "--wrt", "q"], "no variable q"),
)  # fmt: skip


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(w) for w, _ in MISTAKES])
def test_a_mistake_is_answered_with_the_right_word(words, said):
    made = typed(*words)
    assert made.exit_code == 2
    assert said in made.output


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal of its own")
@pytest.mark.parametrize("end", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_in_a_terminal_ctrl_c_and_ctrl_d_end_with_the_score(end):
    import pty

    master, slave = pty.openpty()
    command = [sys.executable, "-m", "chainrule", "practice", "--set", "seed1"]
    made = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        preexec_fn=controls_its_terminal,
    )  # fmt: skip
    os.close(slave)
    try:
        told = until(master, rb"1/10.*> ")
        os.write(master, b"z\n")
        told += until(master, rb"2/10.*> ")
        for _ in range(10):  # a key that comes while the line editor starts may pass unheard
            if b"left" not in told:
                os.write(master, end)
                told += until(master, rb"left", 2)
        assert (made.wait(20), told) == (0, told)
    finally:
        made.kill()
        made.wait()
        os.close(master)
    assert b"1 of 1 right, 9 left" in told
    assert b"Traceback" not in told


def hears_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a job in the background ignores it


def controls_its_terminal():
    import fcntl
    import termios

    hears_interrupts()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def until(master, pattern, seconds=20):
    """What the terminal shows until it shows this, or says nothing more for a while."""
    found = b""
    while not re.search(pattern, found, re.DOTALL) and select.select([master], [], [], seconds)[0]:
        try:
            found += os.read(master, 1024)
        except OSError:
            break
    return found


@pytest.mark.skipif(os.name == "nt", reason="sends a signal")
def test_an_interrupt_while_nothing_is_typed_ends_cleanly():
    command = [sys.executable, "-u", "-m", "chainrule", "practice", "--set", "seed1"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=hears_interrupts
    ) as made:
        try:
            assert next(line for line in made.stdout if b"1/10" in line)
            made.send_signal(signal.SIGINT)
            while b"until next time" not in (told := made.stdout.readline()) and told:
                pass
            assert made.wait(20) == 0
        finally:
            made.kill()
    assert b"until next time" in told
