"""Answer tasks: judged by the exact parser, with the outcomes, components and totals of any other task."""

from __future__ import annotations

import pytest

from envrl.envs.math.answer_task import task_math_answer
from envrl.envs.math.notebooks import score as notebook_score
from envrl.errors import ConfigError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards.answers import ANSWER_PRESETS, AnswerScorer, find_answer_preset, score_answers
from envrl.seeding import block_salt

TEXTS = {
    "exact": "<answer>6</answer>",
    "stripped": "<answer> $6.00 </answer>",
    "within_10": "<answer>5.7</answer>",
    "within_20": "<answer>5</answer>",
    "wrong": "<answer>60</answer>",
    "unparsable": "<answer>six or so</answer>",
    "missing": "six",
}


def scored(preset="envrl-answer", **options):
    judged = score_answers(list(TEXTS.values()), ["6"] * len(TEXTS), preset_of(preset), **options)
    return dict(zip(TEXTS, judged, strict=True))


def preset_of(name, *arguments):
    return find_answer_preset(name, *arguments)


def test_every_tier_has_its_outcome_and_says_itself():
    cards = {tier: one.card for tier, one in scored().items()}
    assert {tier: card.success for tier, card in cards.items()} == {
        tier: float(tier in ("exact", "stripped")) for tier in TEXTS
    }
    assert cards["missing"].outcome is Outcome.NO_CODE
    assert cards["unparsable"].episodes[0].outcome is Outcome.INVALID_ACTION
    assert cards["within_10"].episodes[0].outcome is Outcome.FAILURE
    assert all(card.episodes[0].detail == tier for tier, card in cards.items() if card.episodes)


def test_a_nearer_answer_never_earns_less():
    totals = [one.total for one in scored().values()]
    assert totals == sorted(totals, reverse=True)
    assert totals[0] == 3.0
    assert totals[1] > totals[2] > totals[3] > totals[4] > totals[5] == totals[6] == 0.0


@pytest.mark.parametrize("name", ["unsloth-qwen3-math", "unsloth-llama-math"])
def test_notebooks_presets_give_their_own_numbers(name):
    for tier, one in scored(name).items():
        assert one.rewards == notebook_score(name, TEXTS[tier], "6")
        assert one.total == sum(one.rewards.values())


def test_a_style_of_another_name_is_no_answer():
    assert scored(style="boxed")["exact"].card.outcome is Outcome.NO_CODE


def test_what_is_no_number_is_asked_of_the_verifier():
    asked = []

    def verify(truth, answer):
        asked.append((truth, answer))
        return True

    (one,) = score_answers([r"\boxed{2x}"], ["x+x"], preset_of("envrl-answer"), verify=verify)
    assert asked == [("x+x", "2x")]
    assert one.card.success == 1.0


def test_functions_of_ones_own_see_the_truth(tmp_path):
    path = tmp_path / "own.py"
    path.write_text("def longer(completions, truth, **kwargs):\n    return [len(t) for t in truth]\n")
    preset = preset_of("envrl-answer", {"longer": 2.0}, [f"{path}:longer"])
    (one,) = score_answers(["<answer>100</answer>"], ["100"], preset)
    assert one.rewards["longer"] == 3.0
    assert one.total == 3.0 + 2 * 3.0


def test_unknown_presets_and_components_are_named():
    with pytest.raises(UnknownNameError, match="preset of answer tasks"):
        preset_of("envrl")
    with pytest.raises(ConfigError, match="did you mean exact"):
        preset_of("envrl-answer", {"exakt": 1})
    assert set(ANSWER_PRESETS) == {"envrl-answer", "unsloth-qwen3-math", "unsloth-llama-math"}


def scorer_of(**options):
    task = task_math_answer(**options)
    return AnswerScorer(
        task, find_answer_preset("envrl-answer"), "test", block_salt("test", task.id, task.version), "chat"
    )


def test_a_scorer_asks_and_judges_the_question_of_each_seed():
    scorer, told = scorer_of(family="ages"), []
    indices = [(4,), (9,), (4,)]
    truths = [scorer.problem(index).truth for (index,) in indices]
    texts = [f"<answer>{truth}</answer>" for truth in truths[:2]] + ["none"]
    found = scorer.score(texts, indices, told.append)
    assert [one.card.success for one in found] == [1.0, 1.0, 0.0]
    assert [one.total for one in found] == [3.0, 3.0, 0.0]
    assert [one.card.episodes[0].index for one in found[:2]] == [4, 9]
    assert sum(told) == 3
    assert scorer.ask(4).startswith(scorer.problem(4).question)
    assert "<answer>" in scorer.ask(4)
    scorer.play_ahead(texts, indices)  # begins nothing, and breaks nothing
    swapped = scorer.score(texts[:2], [(9,), (4,)])
    assert [one.card.success for one in swapped] == [float(truths[0] == truths[1])] * 2


def test_a_scorer_tells_functions_what_was_asked(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "def asked(prompts, completions, seeds, truth, **_):\n"
        "    return [float(p[0]['content'].startswith('A') and t.isdigit() and s == [3])\n"
        "            for p, s, t in zip(prompts, seeds, truth)]\n"
    )
    task = task_math_answer(family="ages")
    preset = find_answer_preset("envrl-answer", {"asked": 10.0}, [f"{path}:asked"])
    scorer = AnswerScorer(task, preset, "test", "salt", "tiny")
    assert scorer.score(["none"], [(3,)])[0].total == 10.0
