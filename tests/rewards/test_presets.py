"""Scorecards to rewards: the numbers, and the law that failing fast never pays more than playing honestly."""

from __future__ import annotations

import itertools
import math

import pytest

from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import BEFORE_PLAY, Outcome
from envrl.rewards import PRESETS, find_preset
from envrl.rewards.components import SAFETY
from envrl.rollouts import Episode, Scorecard

TARGETS = (256, 512, 1024, 2048)
HONEST = (Outcome.SUCCESS, Outcome.FAILURE)
EPISODES = [o for o in Outcome if o not in BEFORE_PLAY | {Outcome.INFRASTRUCTURE_ERROR}]
FAULTS = [o for o in EPISODES if o not in HONEST]


def card(*episodes, outcome=None, program_hash="a"):
    """A scorecard; an episode is an outcome, or an outcome with its progress."""
    pairs = [e if isinstance(e, tuple) else (e, 1.0 if e is Outcome.SUCCESS else 0.5) for e in episodes]
    made = tuple(Episode(index=i, outcome=o, progress=p) for i, (o, p) in enumerate(pairs))
    return Scorecard(source="…", outcome=outcome, program_hash=None if outcome else program_hash, episodes=made)


def total(preset, scorecard):
    return preset.total(preset.rewards(scorecard))


# the house's own


def test_the_components_of_the_envrl_preset():
    preset = find_preset("envrl")
    assert list(preset.components) == ["format", "safety", "success", "progress"]
    rewards = preset.rewards(card(Outcome.SUCCESS, (Outcome.FAILURE, 0.4), (Outcome.FAILURE, 0.6), Outcome.SUCCESS))
    assert rewards == {"format": 1.0, "safety": 1.0, "success": 0.5, "progress": 0.75}
    assert preset.total(rewards) == 0.5 + 0.5 + 2 * 0.5 + 0.5 * 0.75


def test_safety_is_that_of_the_worst_episode():
    preset = find_preset("envrl")
    for worse, better in itertools.pairwise(sorted(SAFETY, key=SAFETY.get)):
        assert preset.rewards(card(better, worse, better))["safety"] == SAFETY[worse]


def test_every_outcome_of_an_episode_has_its_safety():
    assert set(SAFETY) == set(EPISODES)
    assert SAFETY[Outcome.SUCCESS] == SAFETY[Outcome.FAILURE] == 1.0 == max(SAFETY.values())
    assert min(SAFETY, key=SAFETY.get) is Outcome.VIOLATION
    assert SAFETY[Outcome.SKIPPED] <= min(SAFETY[Outcome.TIMEOUT], SAFETY[Outcome.MEMORY])


@pytest.mark.parametrize("outcome", sorted(BEFORE_PLAY))
def test_a_completion_without_a_program_earns_nothing(outcome):
    preset = find_preset("envrl")
    assert preset.rewards(card(outcome=outcome)) == {"format": 0.0, "safety": 0.0, "success": 0.0, "progress": 0.0}


def test_a_cheat_that_was_stopped_before_play_earns_less_than_nothing():
    assert total(find_preset("envrl"), card(outcome=Outcome.VIOLATION)) < total(
        find_preset("envrl"), card(outcome=Outcome.NO_CODE)
    )


@pytest.mark.parametrize("outcome", FAULTS)
def test_a_fault_earns_no_progress_unless_it_was_played_up_to_there(outcome):
    earned = find_preset("envrl").rewards(card((outcome, 0.8), (Outcome.FAILURE, 0.4)))["progress"]
    assert earned == pytest.approx(0.6 if outcome is Outcome.INVALID_ACTION else 0.2)


# failing fast never pays


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("outcome", [*FAULTS, *sorted(BEFORE_PLAY)])
def test_the_weakest_honest_player_earns_more_than_any_failure_at_its_best(target, outcome):
    preset = find_preset("envrl")
    # A game starts with a 2 or a 4; one that is lost by the rules has filled the board with at least those.
    honest = card(*[(Outcome.FAILURE, 1 / math.log2(target))] * 4)
    if outcome in BEFORE_PLAY:
        failing = [card(outcome=outcome)]
    elif outcome is Outcome.VIOLATION:
        failing = [card(outcome=outcome), card(*[(outcome, 1.0)] * 4)]
    elif outcome is Outcome.INVALID_ACTION:
        # What is refused at once stands where the game began, at a 4 by luck.
        failing = [card(*[(outcome, 2 / math.log2(target))] * 4)]
    else:
        failing = [card(*[(outcome, 1.0)] * 4)]
    for scorecard in failing:
        assert total(preset, scorecard) < total(preset, honest)


@pytest.mark.parametrize("outcome", FAULTS)
@pytest.mark.parametrize("others", [(), (Outcome.SUCCESS,), (Outcome.FAILURE,), (Outcome.SUCCESS, Outcome.TIMEOUT)])
@pytest.mark.parametrize("progress", [0.0, 0.3, 0.9])
def test_at_no_moment_does_ending_a_game_by_a_fault_pay_more_than_losing_it(outcome, others, progress):
    preset = find_preset("envrl")
    lost = total(preset, card((Outcome.FAILURE, progress), *others))
    faulted = total(preset, card((outcome, progress), *others))
    assert faulted <= lost
    if Outcome.TIMEOUT not in others:  # a worse episode may have cost all of the safety already
        assert faulted < lost


@pytest.mark.parametrize("outcome", FAULTS)
def test_a_won_game_more_never_pays_less(outcome):
    preset = find_preset("envrl")
    for others in itertools.product(HONEST, repeat=2):
        won = total(preset, card(Outcome.SUCCESS, *others))
        assert (
            won > total(preset, card((Outcome.FAILURE, 0.99), *others)) > total(preset, card((outcome, 0.0), *others))
        )


def test_more_progress_pays_more():
    preset = find_preset("envrl")
    totals = [total(preset, card((Outcome.FAILURE, k / 9))) for k in range(1, 10)]
    assert totals == sorted(set(totals))


# the notebooks' numbers (../shared/design.md, section 6)

UNSLOTH = [
    # outcome of the completion, of its game, and the three rewards: works, no cheating, succeeds
    (None, Outcome.SUCCESS, (1, 1, 20)),
    (None, Outcome.FAILURE, (1, 1, 2)),
    (None, Outcome.INVALID_ACTION, (1, 1, 2)),
    (None, Outcome.TIMEOUT, (1, 1, -1)),
    (None, Outcome.EXCEPTION, (1, 1, -3)),
    (Outcome.NO_CODE, None, (-2, -1, 0)),
    (Outcome.NO_ENTRY_POINT, None, (-2, -1, 0)),
    (Outcome.SYNTAX_ERROR, None, (-2, -1, 0)),
    (Outcome.VIOLATION, None, (1, -20, 0)),
]


@pytest.mark.parametrize(("completion", "game", "numbers"), UNSLOTH)
def test_the_numbers_of_the_notebooks(completion, game, numbers):
    preset = find_preset("unsloth-2048")
    rewards = preset.rewards(card(*([game] if game else []), outcome=completion))
    assert rewards == dict(zip(("function_works", "no_cheating", "strategy_succeeds"), numbers, strict=True))
    assert preset.total(rewards) == sum(numbers)


def test_what_dies_at_its_top_level_does_not_compile_by_the_words_of_the_notebooks():
    assert find_preset("unsloth-2048").rewards(card(Outcome.TIMEOUT, program_hash=None))["function_works"] == -0.5


def test_the_notebooks_play_one_game():
    preset = find_preset("unsloth-2048")
    assert preset.rewards(card(Outcome.SUCCESS, Outcome.EXCEPTION))["strategy_succeeds"] == 20
    assert preset.rewards(card(Outcome.EXCEPTION, Outcome.SUCCESS))["strategy_succeeds"] == -3


# what is ours is never the strategy's


@pytest.mark.parametrize("name", PRESETS)
def test_an_infrastructure_error_leaves_every_component_none(name):
    preset = find_preset(name)
    for scorecard in (
        card(outcome=Outcome.INFRASTRUCTURE_ERROR),
        card(Outcome.SUCCESS, Outcome.INFRASTRUCTURE_ERROR, Outcome.SUCCESS),
    ):
        rewards = preset.rewards(scorecard)
        assert list(rewards) == list(preset.components)
        assert set(rewards.values()) == {None}
        assert preset.total(rewards) is None


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("outcome", EPISODES)
def test_every_component_of_every_outcome_is_a_finite_number(name, outcome):
    rewards = find_preset(name).rewards(card(outcome, outcome))
    assert all(type(value) is float and math.isfinite(value) for value in rewards.values())


# finding presets


@pytest.mark.parametrize("name", PRESETS)
def test_every_component_has_a_weight(name):
    preset = find_preset(name)
    assert list(preset.weights) == list(preset.components)
    assert preset.name == name


def test_weights_of_single_components_can_be_changed():
    preset = find_preset("envrl", {"progress": 2.0, "safety": 0.0})
    assert preset.weights == {"format": 0.5, "safety": 0.0, "success": 2.0, "progress": 2.0}
    assert find_preset("envrl").weights["progress"] == 0.5, "the preset itself has changed"
    assert total(preset, card((Outcome.FAILURE, 0.5))) == 0.5 + 0.0 + 0.0 + 1.0


def test_a_weight_of_no_component_is_refused_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        find_preset("envrl", {"progess": 1.0})
    assert "reward.weights" in str(caught.value)
    assert "did you mean progress?" in str(caught.value)


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean unsloth-2048"):
        find_preset("unsloth2048")
