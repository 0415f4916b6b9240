"""Sudoku as a task: the prompt, what is lent, and the presets."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from typing import NamedTuple

from envrl.envs.sudoku.games import Lockstep, action
from envrl.envs.sudoku.generator import check_wanted
from envrl.envs.sudoku.grading import Grade
from envrl.envs.sudoku.grammar import examples
from envrl.envs.task import Lent, Task
from envrl.errors import ConfigError
from envrl.limits import Limits

__all__ = ["PRESETS", "TOOLKIT", "Preset", "task_sudoku"]

VERSION = 0


class Preset(NamedTuple):
    """What the puzzles of an id are like."""

    blanks: int
    grade: Grade | None


PRESETS: dict[str, Preset] = {
    "envrl/sudoku-v0": Preset(50, "medium"),
    "envrl/sudoku-easy-v0": Preset(45, "easy"),
    "envrl/sudoku-medium-v0": Preset(50, "medium"),
    "envrl/sudoku-hard-v0": Preset(54, "hard"),
    "envrl/sudoku-expert-v0": Preset(54, "expert"),
    "envrl/sudoku-notebook35-v0": Preset(35, None),
    "envrl/sudoku-notebook40-v0": Preset(40, None),
}
"""Registered ids with their options: the ladder of grades, and the notebooks' numbers of removed cells."""

_NOTES = {
    f"envrl/sudoku-notebook{blanks}-v0": (
        f"{blanks} cells are removed as in the Unsloth notebooks, but so that one solution is left; filling the cell "
        "with the fewest candidates first wins nearly all of these games",
    )
    for blanks in (35, 40)
}

TOOLKIT = {
    "moves(board)": "all placements that no rule forbids, a list of (row, col, digit)",
    "options(board, move)": "how many digits fit into the move's cell",
    "in_row(board, move)": "how many cells of its row the move's digit fits into",
    "in_col(board, move)": "how many cells of its column the move's digit fits into",
    "in_box(board, move)": "how many cells of its 3x3 box the move's digit fits into",
    "blanks(board)": "the empty cells, a list of (row, col)",
    "candidates(board, row, col)": "the digits that no rule forbids in a cell, a list",
    "peers(row, col)": "the 20 cells that share a row, column or box with a cell, a list of (row, col)",
    "placed(board, move)": "the board after a move",
    "dead(board)": "number of empty cells that no digit fits into",
    "choice(moves)": "one of the moves at random",
}

# A move that looks at every cell costs well under a millisecond, a whole search in plain Python some milliseconds; an
# endless loop should not hold up a training step.
_LIMITS = Limits(load_cpu=1.0, call_cpu=0.5, game_cpu=10.0, grace_cpu=0.25, memory=64 * 2**20, hard_failures=2)

_RULES = """\
Write a Python function strategy(board, initial) that plays Sudoku, one cell at a time.
board and initial are lists of 9 rows; each row is a list of 9 digits, 0 for an empty cell. board is the board as it
stands, initial is the board at the start, with {blanks} empty cells and exactly one solution.
Return the next placement: (row, col, digit), row and col from 0 to 8, digit from 1 to 9. No digit may stand twice in a
row, a column or a 3x3 box. A placement that breaks this rule, or on a cell that has a digit, loses the game. A digit
that was placed stays: one that no rule forbids but that is not the solution's makes the puzzle unsolvable.
You win when the board is full."""
_HELPERS = "You may call these helpers, which are already defined:\n{helpers}"
_PURE = "Use only plain Python and modules of pure computation such as math, random, itertools and collections."
_OUTPUT = "Answer with exactly one fenced block of Python that defines strategy(board, initial)."


def task_sudoku(id: str = "envrl/sudoku-v0", *, toolkit: str = "full", blanks: int | None = None) -> Task:
    """The task of a registered Sudoku id, with single options changed.

    Args:
        id: one of `PRESETS`.
        toolkit: ``full``, or ``none`` for the plain-Python contract of the notebooks.
        blanks: number of empty cells at the start, and so of placements of the longest game; which can be had depends
            on the grade.

    Raises:
        ConfigError: an option that makes no game.
    """
    preset = PRESETS[id]
    blanks = preset.blanks if blanks is None else blanks
    check_wanted(blanks, preset.grade)
    if toolkit not in ("full", "none"):
        raise ConfigError(f"env.toolkit is {toolkit!r}: choose 'full' or 'none'")
    lent = files("envrl.envs.sudoku") / "lent"
    full = toolkit == "full"
    return Task(
        id=id,
        short="sudoku",
        version=VERSION,
        title=f"Sudoku{f', {preset.grade}' if preset.grade else ''}: fill {blanks} empty cells",
        entry_point="strategy",
        prompts=_prompts(blanks, full),
        lent=Lent(
            adapter=(lent / "adapter.py").read_text(),
            toolkit=(lent / "toolkit.py").read_text() if full else "",
            tables=(lent / "tables.py").read_text() if full else "",
        ),
        action=action,
        games=partial(Lockstep, blanks=blanks, grade=preset.grade),
        success="the board is full",
        example_action="(0, 0, 1)",
        limits=_LIMITS,
        examples=examples if full else None,
        options={"blanks": blanks, "grade": preset.grade, "toolkit": toolkit},
        notes=_NOTES.get(id, ()),
    )


def _prompts(blanks: int, full: bool) -> dict[str, str]:
    helpers = _HELPERS.format(helpers="\n".join(f"- {call}: {what}" for call, what in TOOLKIT.items()))
    chat = "\n\n".join([_RULES.format(blanks=blanks), helpers if full else _PURE, _OUTPUT])
    # The tiny model has seen this sentence at its warm start; what it says in full stands in the other prompt.
    names = " ".join(call.partition("(")[0] for call in TOOLKIT)
    tiny = f"Write strategy(board, initial) for Sudoku: fill {blanks} cells." + (f" Helpers: {names}." if full else "")
    return {"tiny": tiny, "chat": chat}
