"""The warm start's own programs."""

from __future__ import annotations

import pytest

from envrl.envs.sudoku import puzzle
from envrl.envs.sudoku.grammar import examples

MEASURES = ("options", "in_row", "in_col", "in_box")


def test_examples_are_the_same_for_the_same_seed_and_only_then():
    first = examples(200, 3)
    assert first == examples(200, 3)
    assert first != examples(200, 4)
    assert len(first) == 200


def test_examples_are_mostly_valid_and_the_others_are_flagged(helpers):
    made = examples(600, 0)
    assert 0.05 < sum(example.spoiled for example in made) / len(made) < 0.2
    clues = puzzle(7, 50, "medium").clues
    board = [list(clues[start : start + 9]) for start in range(0, 81, 9)]
    for source in {example.source for example in made if not example.spoiled}:
        namespace = dict(helpers)
        exec(source, namespace)  # ours: made by the grammar
        move = namespace["strategy"]([row[:] for row in board], [row[:] for row in board])
        assert move == (0, 0, 1) or move in helpers["moves"](board), source


def test_examples_are_short_and_of_many_kinds():
    sources = [example.source for example in examples(600, 0) if not example.spoiled]
    assert len(set(sources)) > 200
    assert max(map(len, sources)) < 250
    for piece in ("key=value", "return min(", "return max(", "choice(", "if ", "[0]", *MEASURES):
        assert any(piece in source for source in sources), piece


def test_the_best_programs_are_in_the_space_and_rare():
    sources = [example.source for example in examples(3600, 0) if not example.spoiled]
    best = [
        source
        for source in sources
        if "return min(options" in source and "return min(moves" in source and source.count("board, m)") >= 3
    ]
    assert 0 < len(best) / len(sources) < 0.02


@pytest.mark.parametrize("piece", ["import os", "while True", "board[0][0] = 9", "def play", "moves(boards)"])
def test_spoiled_examples_show_every_way_to_be_wrong(piece):
    assert any(piece in example.source for example in examples(1500, 1) if example.spoiled)


def test_some_spoiled_examples_do_not_compile():
    sources = [example.source for example in examples(1500, 1) if example.spoiled]
    broken = 0
    for source in sources:
        try:
            compile(source, "example", "exec")
        except SyntaxError:
            broken += 1
    assert 0.15 < broken / len(sources) < 0.5
