"""Math as a task: prompts, what is lent, programs of the warm start, strategies to compare with."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from envrl.envs.games import InvalidAction
from envrl.envs.math.families import FAMILIES
from envrl.envs.math.family import Family
from envrl.envs.math.games import action, is_right
from envrl.envs.math.grammar import examples
from envrl.envs.math.strategies import constant, exact
from envrl.envs.math.task import IMPORTS, PRESETS, games, prompts, task_math, variants
from envrl.envs.task import Task
from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment
from envrl.rollouts.player import Player, profile_of
from envrl.sandbox import Sandbox
from envrl.sandbox.inside.facades import LENDABLE

Played = Callable[[Task, list[str], int], list[list[Outcome]]]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    sandbox = Sandbox(profile_of(task_math()))  # what is lent is the same for all families

    def play(task: Task, sources: list[str], seeds: int) -> list[list[Outcome]]:
        indices = tuple(range(seeds))
        cards = Player(task, sandbox).play([Assignment(source, indices, indices) for source in sources])
        return [[episode.outcome for episode in card.episodes] for card in cards]

    yield play
    sandbox.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_strategies_win_in_the_sandbox_and_a_constant_does_not(played: Played, name: str) -> None:
    won, lost = played(task_math(family=name, level=3), [exact(name), constant()], 12)
    assert won == [Outcome.SUCCESS] * 12
    assert lost.count(Outcome.SUCCESS) < 4
    assert set(lost) <= {Outcome.SUCCESS, Outcome.FAILURE}


def test_a_program_may_import_fractions_and_read_the_problem_in_words(played: Played) -> None:
    source = (
        "from fractions import Fraction\n\n"
        "def solve(problem):\n"
        "    parts = [w.strip('.?') for w in problem.split() if '/' in w]\n"
        "    return str(Fraction(parts[0]) + Fraction(parts[1]))\n"
    )
    [outcomes] = played(task_math(family="fraction_sum", view="text"), [source], 20)
    assert outcomes == [Outcome.SUCCESS] * 20


def test_a_float_for_an_integer_fails_and_a_truth_value_is_no_answer(played: Played) -> None:
    task = task_math(family="two_products")
    sources = ["def solve(a, b, c, d):\n    return float(a * b - c * d)\n", "def solve(*p):\n    return True\n"]
    assert played(task, sources, 3) == [[Outcome.FAILURE] * 3, [Outcome.INVALID_ACTION] * 3]


def test_what_is_lent_is_the_same_for_all_families() -> None:
    assert len({task_math(family=name).lent for name in FAMILIES}) == 1


@pytest.mark.parametrize("env_id", PRESETS)
@pytest.mark.parametrize("view", ["parameters", "text"])
def test_a_task_is_that_of_its_family(env_id: str, view: str) -> None:
    task = task_math(env_id, family="lcm", level=3, view=view)
    assert task.options == {"family": "lcm", "level": 3, "view": view}
    assert task.prompt("reasoning") == task.prompt("chat") == prompts("lcm", "chat", view)
    assert task.prompt("tiny") == prompts("lcm", "tiny", view)
    assert task.entry_point == "solve"
    assert (task.examples is None) == (view == "text")
    observed = games([1, 2], "lcm", level=3, view=view).observe([0, 1])
    there = pickle.loads(pickle.dumps(task))
    assert there.games([1, 2]).observe([0, 1]) == task.games([1, 2]).observe([0, 1]) == observed
    namespace: dict[str, Any] = {}
    exec(task.lent.adapter, namespace)
    assert namespace["arguments"](observed[0]) == tuple(json.loads(observed[0]))


def test_what_may_be_imported_can_be_lent() -> None:
    assert set(IMPORTS) <= set(LENDABLE)


def test_variants_are_the_families_of_a_choice() -> None:
    assert variants("all") == tuple(FAMILIES)
    assert variants("gcd") == ("gcd",)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"level": 0}, ConfigError, "level 0"),
        ({"family": "algebra"}, ConfigError, "stands for 9 families"),
        ({"family": "algebar"}, UnknownNameError, "did you mean algebra"),
        ({"view": "words"}, UnknownNameError, "known: parameters, text"),
        ({"toolkit": "half"}, ConfigError, "'half'"),
    ],
)
def test_an_option_that_cannot_be_used_says_which_and_why(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        task_math(**options)


def test_a_strategy_of_no_family_is_not_found() -> None:
    with pytest.raises(UnknownNameError, match="did you mean gcd"):
        exact("gdc")


# the warm start's programs


def test_examples_are_the_same_for_the_same_arguments() -> None:
    assert examples(100, 3) == examples(100, 3) != examples(100, 4)
    assert all("def solve(a, b):" in e.source for e in examples(100, 0, "gcd") if not e.spoiled)
    with pytest.raises(UnknownNameError):
        examples(1, 0, "nothing")


def test_examples_are_rarely_right_never_endless_and_mostly_run() -> None:
    spoiled = ran = right = honest = 0
    for name, family in FAMILIES.items():
        instance = family.instance(1, 5)
        for example in examples(20, 1, name):
            spoiled += example.spoiled
            if example.spoiled:
                continue
            honest += 1
            namespace: dict[str, Any] = {}
            exec(example.source, namespace)  # ours: made by the grammar
            try:
                given = action(namespace["solve"](*json.loads(json.dumps(instance.parameters))))
            except (InvalidAction, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
                continue
            ran += 1
            right += is_right(family, instance.answer, given)
    assert 0.05 < spoiled / (spoiled + honest) < 0.16
    assert 0.04 < right / honest < 0.25
    assert ran / honest > 0.6


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_examples_hold_the_right_program_and_many_others(family: Family) -> None:
    sources = [example.source for example in examples(120, 0, family.name)]
    assert family.source(family.program) in sources
    assert len(set(sources)) > 30
