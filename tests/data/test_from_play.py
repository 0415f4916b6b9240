"""Pairs from play: what they promise holds for every pair, whatever the completions."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envrl.data.from_play import Candidate, PairRules, choose_kto, choose_pairs
from envrl.data.significance import fewest_seeds, signed_rank_p_value

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def _candidate(number: int, values: tuple[float, ...], **options: Any) -> Candidate:
    # Texts without a piece in common, so that none is nearly another.
    text = "".join(_ALPHABET[(number * 7 + i * (number + 3)) % 26] for i in range(20)) + str(number)
    success = sum(values) / len(values) if values else 0.0
    return Candidate("p", text, tuple(range(len(values))), values, success, f"hash {number}", **options)


_VALUES = st.lists(st.tuples(*[st.sampled_from([0.0, 1.0])] * 8), min_size=2, max_size=12)


@given(
    values=_VALUES,
    margin=st.sampled_from([0.1, 0.25, 0.5]),
    confidence=st.sampled_from([0.6, 0.9, 0.95]),
    uses=st.integers(1, 3),
    per_prompt=st.none() | st.integers(1, 4),
    seed=st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_every_pair_keeps_the_rules_and_nothing_is_lost_uncounted(
    values: list[tuple[float, ...]], margin: float, confidence: float, uses: int, per_prompt: int | None, seed: int
) -> None:
    candidates = [_candidate(number, own) for number, own in enumerate(values)]
    by_text = {candidate.completion: candidate for candidate in candidates}
    rules = PairRules(margin, confidence, uses, per_prompt, alike=0.99, seed=seed)
    chosen = choose_pairs(candidates, rules)
    standing: Counter[str] = Counter()
    for row in chosen.rows:
        winner, loser = (by_text[row[side][0]["content"]] for side in ("chosen", "rejected"))
        standing.update((winner.completion, loser.completion))
        assert winner.mean - loser.mean >= margin - 1e-9
        assert row["p_value"] == signed_rank_p_value(winner.values, loser.values) <= 1 - confidence
        assert row["prompt"] == [{"role": "user", "content": "p"}]
    assert max(standing.values(), default=0) <= uses
    assert per_prompt is None or len(chosen.rows) <= per_prompt
    usable = len(candidates) - chosen.completions.total()
    assert len(chosen.rows) + chosen.pairs.total() == usable * (usable - 1) // 2
    assert choose_pairs(candidates, rules) == chosen


def test_completions_that_may_not_stand_in_a_pair_are_counted_by_reason() -> None:
    good, bad = (1.0,) * 8, (0.0,) * 8
    twice = _candidate(0, good)
    near = Candidate("p", twice.completion + " ", twice.seeds, good, 1.0, "another hash")
    lonely = Candidate("p", "elsewhere", (7, 8, 9), (1.0, 1.0, 1.0), 1.0, "x")
    cheat = _candidate(1, good, unfit="violation", spoiled=True)
    chosen = choose_pairs([twice, twice, near, lonely, cheat, _candidate(2, bad)], PairRules())
    assert len(chosen.rows) == 1
    assert chosen.completions == {
        "same program as another": 1,
        "text nearly that of another": 1,
        "no other completion played the same seeds": 1,
        "violation": 1,
    }


def test_completions_of_different_prompts_make_no_pair() -> None:
    good, bad = _candidate(0, (1.0,) * 8), _candidate(1, (0.0,) * 8)
    other = Candidate("another prompt", bad.completion, bad.seeds, bad.values)
    assert choose_pairs([good, other], PairRules()).rows == []
    assert len(choose_pairs([good, bad], PairRules()).rows) == 1


def test_kto_rows_are_labelled_by_the_threshold() -> None:
    means = [(1.0,) * 8, (1.0,) * 2 + (0.0,) * 6, (1.0,) + (0.0,) * 7, (0.0,) * 8]
    candidates = [_candidate(number, values) for number, values in enumerate(means)]
    broken = Candidate("p", "def", unfit="syntax_error", spoiled=True)
    ours = Candidate("p", "abc", unfit="not measured (an error of envrl's own)")
    chosen = choose_kto([*candidates, broken, broken, ours], 0.25, 0.2, PairRules())
    labels = {row["completion"][0]["content"]: row["label"] for row in chosen.rows}
    assert labels == {
        candidates[0].completion: True,
        candidates[1].completion: True,
        candidates[3].completion: False,
        "def": False,
    }
    assert chosen.completions == {
        "neither good nor bad": 1,
        "same text as another": 1,
        "not measured (an error of envrl's own)": 1,
    }


@given(
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_the_p_value_is_the_share_of_all_signs_with_so_large_a_rank_sum(pairs: list[tuple[int, int]]) -> None:
    from scipy.stats import rankdata

    differences = [a - b for a, b in pairs if a != b]
    ranks = rankdata([abs(d) for d in differences]) if differences else []
    observed = sum(rank for rank, d in zip(ranks, differences, strict=True) if d > 0)
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in itertools.product([0, 1], repeat=len(differences))
    ]
    wanted = sum(total >= observed - 1e-9 for total in sums) / len(sums)
    assert signed_rank_p_value(*zip(*pairs, strict=True)) == pytest.approx(wanted)


@given(b=st.integers(0, 20), c=st.integers(0, 20))
def test_of_games_won_and_lost_it_is_mcnemars_exact_test(b: int, c: int) -> None:
    from scipy.stats import binom

    better, worse = [1.0] * b + [0.0] * c + [1.0, 0.0], [0.0] * b + [1.0] * c + [1.0, 0.0]
    assert signed_rank_p_value(better, worse) == pytest.approx(binom.sf(b - 1, b + c, 0.5) if b + c else 1.0)


def test_sides_of_different_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="the same seeds, got 3 and 2"):
        signed_rank_p_value([1, 2, 3], [1, 2])


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_with_fewer_seeds_no_lead_is_sure(confidence: float) -> None:
    seeds = fewest_seeds(confidence)
    assert signed_rank_p_value([1.0] * seeds, [0.0] * seeds) <= 1 - confidence
    if seeds > 1:
        assert signed_rank_p_value([1.0] * (seeds - 1), [0.0] * (seeds - 1)) > 1 - confidence


def test_kto_takes_what_rounding_made_just_too_little() -> None:
    means = (0.1 + 0.2 - 5e-17, 0.3 - 0.1 + 1e-16)
    made = [Candidate("p", f"{i} text {i * 7}", (0,), (mean,)) for i, mean in enumerate(means)]
    rows = choose_kto(made, 0.3 + 1e-16, 0.1, PairRules(alike=2.0)).rows
    assert [row["label"] for row in rows] == [True, False]
