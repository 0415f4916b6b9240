"""2048 as a task: the prompt, what is lent, and the presets."""

from __future__ import annotations

from functools import partial
from importlib.resources import files

from envrl.envs.game2048.games import Lockstep, action
from envrl.envs.game2048.grammar import examples
from envrl.envs.game2048.rules import check_options
from envrl.envs.task import Lent, Task
from envrl.errors import ConfigError
from envrl.limits import Limits

__all__ = ["PRESETS", "TOOLKIT", "task_2048"]

VERSION = 0

PRESETS: dict[str, dict[str, int]] = {
    "envrl/2048-v0": {"size": 4, "target": 512, "horizon": 500},
    "envrl/2048-256-v0": {"size": 4, "target": 256, "horizon": 300},
    "envrl/2048-1024-v0": {"size": 4, "target": 1024, "horizon": 1000},
    "envrl/2048-2048-v0": {"size": 4, "target": 2048, "horizon": 2000},
    "envrl/2048-notebook-v0": {"size": 6, "target": 2048, "horizon": 4000},
}
"""Registered ids with their options: the ladder of targets, and the notebooks' board."""

_NOTES = {
    "envrl/2048-notebook-v0": (
        "this is the board of the Unsloth notebooks; random legal play wins about 98 % of these games, so that a "
        "success here says little more than that the program runs",
    )
}

TOOLKIT = {
    "legal(board)": 'the moves that change the board, a list such as ["W", "A"]',
    "slide(board, move)": "the board after a move, before a new tile appears",
    "score_of(board, move)": "the value that a move merges",
    "empties(board)": "number of empty cells",
    "merges(board)": "number of neighbouring equal tiles",
    "mono(board)": "how orderly rows and columns rise or fall; 0 at best, else negative",
    "smooth(board)": "how alike neighbouring tiles are; 0 at best, else negative",
    "corner(board)": "log2 of the largest tile if it stands in a corner, else 0",
    "edge(board)": "log2 of all tiles on the border, summed",
    "maxtile(board)": "the largest tile",
    "choice(moves)": "one of the moves at random",
}

# A move of an honest program costs well under a millisecond; an endless loop should not hold up a training step.
_LIMITS = Limits(load_cpu=1.0, call_cpu=0.25, game_cpu=10.0, grace_cpu=0.25, memory=64 * 2**20, hard_failures=2)

_RULES = """\
Write a Python function strategy(board) that plays 2048 on a {size}x{size} board.
board is a list of {size} rows; each row is a list of {size} tile values, 0 for an empty cell.
Return the next move: "W" (up), "A" (left), "S" (down) or "D" (right). Tiles slide to the wall and equal neighbours
merge once a move. A new tile (2, sometimes 4) appears after each move that changes the board; one that does not change
it is wasted, and {max_ineffective} of those in a row lose the game.
You win when a tile of {target} stands on the board within {horizon} moves."""
_HELPERS = "You may call these helpers, which are already defined:\n{helpers}"
_PURE = "Use only plain Python and modules of pure computation such as math, random, itertools and collections."
_OUTPUT = "Answer with exactly one fenced block of Python that defines strategy(board)."


def task_2048(
    id: str = "envrl/2048-v0",
    *,
    toolkit: str = "full",
    size: int | None = None,
    target: int | None = None,
    horizon: int | None = None,
    max_ineffective: int = 10,
) -> Task:
    """The task of a registered 2048 id, with single options changed.

    Args:
        id: one of `PRESETS`.
        toolkit: ``full``, or ``none`` for the plain-Python contract of the notebooks.
        size: cells along a side, 3 to 8.
        target: the tile that wins.
        horizon: moves after which a game has failed.
        max_ineffective: ineffective moves in a row that end a game.

    Raises:
        ConfigError: an option that makes no game.
    """
    preset = PRESETS[id]
    size, target, horizon = size or preset["size"], target or preset["target"], horizon or preset["horizon"]
    check_options(size, target, max_ineffective)
    if horizon < 1:
        raise ConfigError(f"env.options.horizon is {horizon}: give the number of moves that a game may take, 1 or more")
    if toolkit not in ("full", "none"):
        raise ConfigError(f"env.toolkit is {toolkit!r}: choose 'full' or 'none'")
    options = {"size": size, "target": target, "max_ineffective": max_ineffective, "horizon": horizon}
    lent = files("envrl.envs.game2048") / "lent"
    full = toolkit == "full"
    return Task(
        id=id,
        short="2048",
        version=VERSION,
        title=f"2048 on {size}x{size}: tile {target} within {horizon} moves",
        entry_point="strategy",
        prompts=_prompts(options, full),
        lent=Lent(
            adapter=(lent / "adapter.py").read_text(),
            toolkit=(lent / "toolkit.py").read_text() if full else "",
            tables=(lent / "tables.py").read_text() if full else "",
        ),
        action=action,
        games=partial(Lockstep, size=size, target=target, max_ineffective=max_ineffective, horizon=horizon),
        success=f"tile {target} within {horizon} moves",
        example_action='"W"',
        limits=_LIMITS,
        examples=examples if full else None,
        options=options | {"toolkit": toolkit},
        notes=_NOTES.get(id, ()),
    )


def _prompts(options: dict[str, int], full: bool) -> dict[str, str]:
    helpers = _HELPERS.format(helpers="\n".join(f"- {call}: {what}" for call, what in TOOLKIT.items()))
    chat = "\n\n".join([_RULES.format(**options), helpers if full else _PURE, _OUTPUT])
    # The tiny model has seen this sentence at its warm start; what it says in full stands in the other prompt.
    names = " ".join(call.partition("(")[0] for call in TOOLKIT)
    tiny = f"Write strategy(board) for 2048: reach tile {options['target']}." + (f" Helpers: {names}." if full else "")
    return {"tiny": tiny, "chat": chat}
