"""What is shown while a workflow works: plain lines in a log, a live bar on a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from envrl.cli import display as module
from envrl.cli.display import Display, figures_text


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def shown(terminal: bool) -> tuple[Display, io.StringIO]:
    file = io.StringIO()
    return Display(Console(file=file, force_terminal=terminal, width=120, color_system=None)), file


def test_a_log_gets_a_line_when_a_phase_begins_and_ends_and_every_ten_seconds(clock):
    display, file = shown(False)
    with display:
        display.phase("training", 100)
        for _ in range(50):
            clock.now += 0.5
            display.advance(1, reward=0.12345, success=0.5, broken=0.015, memory=250_000_000)
        display.phase("reporting", 1)
        clock.now += 2
    assert file.getvalue().splitlines() == [
        "training …",
        "training 20/100 · 40 s left · reward 0.123 · success 50% · broken 2% · sandbox 250 MB",
        "training 40/100 · 30 s left · reward 0.123 · success 50% · broken 2% · sandbox 250 MB",
        "training done in 25.0 s · reward 0.123 · success 50% · broken 2% · sandbox 250 MB",
        "reporting …",
        "reporting done in 2.0 s",
    ]


def test_a_log_is_told_of_no_more_than_there_is(clock):
    display, file = shown(False)
    display.phase("playing", 20)
    clock.now += 60
    display.advance(64)  # seeds come in chunks
    display.close()
    assert file.getvalue().splitlines() == ["playing …", "playing done in 60.0 s"]


def test_what_is_said_is_no_markup():
    display, file = shown(False)
    display.say("runs/[bold]x[/bold] is a name, and a long one " + "x" * 200)
    assert file.getvalue() == "runs/[bold]x[/bold] is a name, and a long one " + "x" * 200 + "\n"


def test_a_terminal_gets_a_live_bar_with_figures():
    display, file = shown(True)
    with display:
        display.phase("training", 10)
        display.advance(4, success=0.25)
        display.say("a checkpoint is written")
        display.phase("measuring", 2)
        display.advance(2)
    text = file.getvalue()
    for piece in ("training", "4/10", "success 25%", "a checkpoint is written", "measuring", "2/2"):
        assert piece in text, piece
    assert "done in" not in text


def test_a_live_bar_is_not_filled_beyond_its_end():
    display, file = shown(True)
    with display:
        display.phase("playing", 20)
        display.advance(64)
    assert "20/20" in file.getvalue()
    assert "64/20" not in file.getvalue()


def test_an_error_leaves_the_terminal_in_order():
    display, file = shown(True)

    def work():
        with display:
            display.phase("training", 10)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        work()
    assert file.getvalue().endswith("\x1b[?25h"), "the cursor stays hidden"


def test_closing_without_a_phase_or_twice_does_nothing():
    for terminal in (True, False):
        display, file = shown(terminal)
        display.close()
        display.close()
        assert file.getvalue() == ""


def test_figures_as_a_person_reads_them():
    assert figures_text({}) == ""
    assert figures_text({"reward": None, "loss": 1.23456, "success": 0.0, "memory": 1e6}) == (
        "loss 1.23 · success 0% · sandbox 1 MB"
    )
