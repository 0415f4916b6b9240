"""Tasks: what a name leads to, and what a model is told."""

from __future__ import annotations

import ast
import dataclasses
import pickle

import gymnasium
import pytest

from envrl.envs import Example, environment_ids, find_task
from envrl.envs.game2048.grammar import examples
from envrl.envs.game2048.task import PRESETS, TOOLKIT
from envrl.envs.registry import register_all
from envrl.errors import ConfigError, UnknownNameError


def test_a_short_name_and_an_id_lead_to_the_same_task():
    assert find_task("2048").id == find_task("envrl/2048-v0").id == "envrl/2048-v0"
    assert find_task("2048").options == {
        "size": 4, "target": 512, "max_ineffective": 10, "horizon": 500, "toolkit": "full",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("204", "2048"), ("envrl/2048-v1", "envrl/2048-v0"), ("envrl/2048-2565-v0", "envrl/2048-256-v0")],
)
def test_an_unknown_environment_is_answered_with_the_nearest_names(name, nearest):
    with pytest.raises(UnknownNameError) as caught:
        find_task(name)
    assert f"unknown environment {name!r}: did you mean" in str(caught.value)
    assert nearest in str(caught.value)


def test_a_name_like_no_other_is_answered_with_all():
    with pytest.raises(UnknownNameError) as caught:
        find_task("chess")
    assert all(name in str(caught.value) for name in [*environment_ids(), "2048"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targt": 512}, ["'targt'", "did you mean target?"]),
        ({"toolkit": 1}, ["unknown option", "'toolkit'"]),
        ({"id": 1}, ["unknown option"]),
        ({"target": "512"}, ["target", "whole number", "'512'"]),
        ({"target": 512.0}, ["target", "whole number", "512.0"]),
        ({"target": True}, ["target", "whole number", "True"]),
        ({"target": 500}, ["500", "power of two"]),
        ({"size": 2}, ["size 2", "3 to 8"]),
        ({"size": 3, "target": 2048}, ["2048", "3×3"]),
        ({"horizon": -1}, ["horizon", "-1"]),
        ({"max_ineffective": 0}, ["max_ineffective"]),
    ],
)
def test_an_option_that_cannot_be_used_says_which_and_why(options, words):
    with pytest.raises(ConfigError) as caught:
        find_task("2048", options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("env_id", PRESETS)
def test_every_preset_is_registered_with_its_options(env_id):
    env = gymnasium.make(env_id)
    options = find_task(env_id).options
    assert env.spec.max_episode_steps == options["horizon"]
    assert env.unwrapped.size == options["size"]
    assert env.spec.kwargs["target"] == options["target"]
    assert env_id in environment_ids()


def test_registering_twice_changes_nothing():
    before = dict(gymnasium.registry)
    register_all()
    assert before == dict(gymnasium.registry)


@pytest.mark.parametrize("env_id", PRESETS)
def test_the_prompt_states_the_game_that_is_played(env_id):
    task = find_task(env_id)
    options = task.options
    prompt = task.prompt("chat")
    for words in (
        "{size}x{size} board", "tile of {target}", "within {horizon} moves", "{max_ineffective} of those in a row",
    ):  # fmt: skip
        assert words.format(**options) in prompt
    assert str(options["target"]) in task.prompt("tiny")
    assert task.prompt("reasoning") == task.prompt("notebook") == prompt
    assert "strategy(board)" in prompt
    assert task.entry_point == "strategy"


def test_the_notebooks_board_says_that_random_play_wins():
    assert any("98 %" in note for note in find_task("envrl/2048-notebook-v0").notes)


def defined(source: str) -> set[str]:
    functions = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return {name for name in functions if not name.startswith("_")}


def test_the_prompt_documents_every_helper_and_the_toolkit_defines_every_documented_one():
    task = find_task("2048")
    documented = {call.partition("(")[0] for call in TOOLKIT}
    assert defined(task.lent.toolkit) == documented
    for call, what in TOOLKIT.items():
        assert f"- {call}: {what}" in task.prompt("chat")
    assert documented == set(task.prompt("tiny").partition("Helpers: ")[2].rstrip(".").split())


def test_documented_arguments_are_those_of_the_helpers():
    functions = {n.name: n for n in ast.parse(find_task("2048").lent.toolkit).body if isinstance(n, ast.FunctionDef)}
    for call in TOOLKIT:
        name, _, arguments = call.rstrip(")").partition("(")
        assert [a.arg for a in functions[name].args.args] == arguments.split(", ")


def test_without_a_toolkit_nothing_is_lent_and_nothing_is_promised():
    task = find_task("2048", {}, "none")
    assert task.lent.toolkit == task.lent.tables == ""
    assert "def arguments" in task.lent.adapter
    assert task.examples is None
    assert task.options["toolkit"] == "none"
    for contract in ("tiny", "chat"):
        assert not [call for call in TOOLKIT if call in task.prompt(contract)]
        assert "elpers" not in task.prompt(contract)
    assert "plain Python" in task.prompt("chat")


def test_an_unknown_toolkit_is_refused():
    with pytest.raises(ConfigError, match="choose 'full' or 'none'"):
        find_task("2048", {}, "half")


@pytest.mark.parametrize("toolkit", ["full", "none"])
def test_a_task_travels_to_another_process(toolkit):
    task = find_task("2048", {"target": 64}, toolkit)
    there = pickle.loads(pickle.dumps(task))
    # A partial compares by identity; what it makes is compared instead.
    assert dataclasses.replace(there, games=task.games) == task
    assert there.games([3]).observe([0]) == task.games([3]).observe([0])


# the warm start's own programs


def test_examples_are_the_same_for_the_same_seed_and_only_then():
    first = examples(200, 3)
    assert first == examples(200, 3)
    assert first != examples(200, 4)
    assert first[:50] != examples(50, 4)
    assert len(first) == 200
    assert all(isinstance(example, Example) for example in first)


def test_examples_are_mostly_valid_and_the_others_are_flagged(helpers):
    made = examples(600, 0)
    spoiled = [example for example in made if example.spoiled]
    assert 0.05 < len(spoiled) / len(made) < 0.2
    board = [[2, 0, 2, 4], [0, 8, 16, 4], [2, 2, 0, 0], [0, 0, 0, 32]]
    for source in {example.source for example in made if not example.spoiled}:
        namespace = dict(helpers)
        exec(source, namespace)  # ours: made by the grammar
        assert namespace["strategy"]([row[:] for row in board]) in tuple("WASD"), source


def test_examples_are_of_many_kinds():
    sources = [example.source for example in examples(600, 0) if not example.spoiled]
    assert len(set(sources)) > 250
    for piece in ("key=value", 'in "', "choice(", 'return "'):
        assert any(piece in source for source in sources)
    # The names of the helpers are all that the grammar knows of the game.
    for name in ("empties", "merges", "mono", "smooth", "corner", "edge", "maxtile"):
        assert any(f"{name}(b)" in source for source in sources)


def test_spoiled_examples_show_every_way_to_be_wrong():
    sources = [example.source for example in examples(1500, 1) if example.spoiled]
    for piece in ("import os", "while True", "board[0][0] = 512", "def play", "legal(boards)"):
        assert any(piece in source for source in sources), piece
    broken = 0
    for source in sources:
        try:
            compile(source, "example", "exec")
        except SyntaxError:
            broken += 1
    assert 0.15 < broken / len(sources) < 0.5
