"""The Sudoku task: what a model is told, what is lent, and how the reference strategies fare."""

from __future__ import annotations

import ast
import dataclasses
import pickle
from importlib.resources import files

import pytest

from envrl.envs.sudoku import puzzle
from envrl.envs.sudoku.task import PRESETS, TOOLKIT, task_sudoku
from envrl.errors import ConfigError
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers


@pytest.mark.parametrize("env_id", PRESETS)
def test_the_prompt_states_the_game_that_is_played(env_id):
    task, preset = task_sudoku(env_id), PRESETS[env_id]
    prompt = task.prompt("chat")
    assert f"with {preset.blanks} empty cells" in prompt
    assert "strategy(board, initial)" in prompt
    assert str(preset.blanks) in task.prompt("tiny")
    assert str(preset.blanks) in task.title
    assert task.prompt("reasoning") == prompt
    assert task.options == {"blanks": preset.blanks, "grade": preset.grade, "toolkit": "full"}
    assert task.games([3]).observe([0])[0].count(0) == 2 * preset.blanks


def test_the_short_name_is_the_medium_level():
    assert PRESETS["envrl/sudoku-v0"] == PRESETS["envrl/sudoku-medium-v0"]
    assert task_sudoku().id == "envrl/sudoku-v0"


def test_the_prompt_documents_every_helper_and_the_toolkit_defines_every_documented_one(sudoku):
    functions = {n.name: n for n in ast.parse(sudoku.lent.toolkit).body if isinstance(n, ast.FunctionDef)}
    documented = {call.partition("(")[0] for call in TOOLKIT}
    assert {name for name in functions if not name.startswith("_")} == documented
    assert documented == set(sudoku.prompt("tiny").partition("Helpers: ")[2].rstrip(".").split())
    for call, what in TOOLKIT.items():
        assert f"- {call}: {what}" in sudoku.prompt("chat")
        name, _, arguments = call.rstrip(")").partition("(")
        assert [a.arg for a in functions[name].args.args] == arguments.split(", ")


def test_without_a_toolkit_nothing_is_lent_and_nothing_is_promised():
    task = task_sudoku(toolkit="none")
    assert task.lent.toolkit == task.lent.tables == ""
    assert task.examples is None
    for contract in ("tiny", "chat"):
        assert not [call for call in TOOLKIT if call in task.prompt(contract)]
        assert "elpers" not in task.prompt(contract)
    assert "plain Python" in task.prompt("chat")


def test_options_that_make_no_game_are_refused():
    with pytest.raises(ConfigError, match=r"60 blanks .* medium"):
        task_sudoku(blanks=60)
    with pytest.raises(ConfigError, match="0 blanks"):
        task_sudoku("envrl/sudoku-notebook35-v0", blanks=0)
    with pytest.raises(ConfigError, match="choose 'full' or 'none'"):
        task_sudoku(toolkit="half")
    assert task_sudoku(blanks=45).games([1]).observe([0])[0].count(0) == 90


@pytest.mark.parametrize("toolkit", ["full", "none"])
def test_a_task_travels_to_another_process(toolkit):
    task = task_sudoku(toolkit=toolkit)
    there = pickle.loads(pickle.dumps(task))
    # A partial compares by identity; what it makes is compared instead.
    assert dataclasses.replace(there, games=task.games) == task
    assert there.games([3]).observe([0]) == task.games([3]).observe([0])


def test_the_adapter_gives_two_boards_of_their_own(sudoku):
    namespace: dict = {}
    exec(sudoku.lent.adapter, namespace)
    games, made = sudoku.games([3]), puzzle(3, 50, "medium")
    cell = made.clues.index(0)
    games.act([0], [9 * cell + made.solution[cell] - 1])
    (payload,) = games.observe([0])
    assert type(payload) is bytes
    assert len(payload) == 162
    board, initial = namespace["arguments"](payload)
    assert [*map(len, board), *map(len, initial)] == [9] * 18
    assert [digit for row in initial for digit in row] == list(made.clues)
    assert board[cell // 9][cell % 9] == made.solution[cell]
    board[cell // 9][cell % 9] = 0
    assert board == initial
    assert namespace["arguments"](payload)[0] != board


REFERENCES = ("first_valid", "naked_singles", "hidden_singles", "backtracking")


def reference(name: str) -> str:
    return (files("envrl.envs.sudoku") / "strategies" / f"{name}.py").read_text()


@pytest.fixture(scope="module")
def local(sudoku):
    players = LocalPlayers(sudoku)
    yield players
    players.close()


def play(local, source: str, count: int):
    (card,) = local.play([Assignment(source, tuple(range(count)), tuple(range(1000, 1000 + count)))])
    return card


def test_the_reference_strategies_are_a_ladder(local):
    cards = {name: play(local, reference(name), 12) for name in REFERENCES}
    assert cards["first_valid"].success == 0
    assert cards["naked_singles"].success < 0.7
    assert cards["hidden_singles"].success == cards["backtracking"].success == 1
    assert 0 < cards["first_valid"].progress < cards["naked_singles"].progress < 1
    assert {e.outcome for card in cards.values() for e in card.episodes} == {Outcome.SUCCESS, Outcome.FAILURE}


@pytest.mark.parametrize(
    "body",
    [
        "return (0, 0)",
        "return (0, 0, 10)",
        "return (0, 0, True)",
        "return 'a1=5'",
        "r, c = next((r, c) for r in range(9) for c in range(9) if initial[r][c])\n    return r, c, initial[r][c]",
        "r, c, d = moves(board)[0]\n    return r, c, next(d for d in range(1, 10) if d not in candidates(board, r, c))",
        "return moves(initial)[0]",
    ],
)
def test_what_may_not_be_placed_ends_the_game(local, body):
    card = play(local, f"def strategy(board, initial):\n    {body}\n", 2)
    assert [episode.outcome for episode in card.episodes] == [Outcome.INVALID_ACTION] * 2
    assert max(episode.steps for episode in card.episodes) <= 2
    assert max(episode.progress for episode in card.episodes) <= 1 / 50


def test_games_played_side_by_side_are_those_played_alone(local):
    source = """\
def strategy(board, initial):
    found = [move for move in moves(board) if min(options(board, move), in_box(board, move)) == 1]
    return choice(found or moves(board))
"""
    together = play(local, source, 6).episodes
    for index, episode in enumerate(together):
        (card,) = local.play([Assignment(source, (index,), (1000 + index,))])
        (alone,) = card.episodes
        assert (alone.outcome, alone.steps, alone.score) == (episode.outcome, episode.steps, episode.score)
    assert len({episode.steps for episode in together}) > 1


def test_a_board_that_a_strategy_fills_itself_is_not_the_game(local):
    cheat = "def strategy(board, initial):\n    board[:] = [[1] * 9] * 9\n    initial[:] = board\n    return 0, 0, 1\n"
    assert play(local, cheat, 3).success == 0
