"""What is said of the size that a sweep needs."""

from __future__ import annotations

import re

import numpy as np
import pytest

from envrl.errors import ConfigError
from envrl.evaluation.planning import Outlook, outlook, programs_needed, seeds_needed, seeds_needed_looking
from envrl.workflow.planning import outlook_text, plan_text


def test_a_plan_names_seeds_for_a_program_and_programs_for_a_model():
    text = plan_text(0.05)
    assert "5 points wide" in text
    assert "about 50 %" in text
    assert f"--seeds {seeds_needed(0.05)}" in text
    assert f"{seeds_needed_looking(0.05):,} seeds, stopping" in text
    (row,) = re.findall(r"each always wins or always loses +(\S+) +(\S+)", text)
    assert row == tuple(f"{programs_needed(0.05, seeds, 0.5, 1.0):,}" for seeds in (32, 200))


def test_a_plan_for_so_many_programs_says_where_seeds_do_not_help():
    text = plan_text(0.05, 0.1, 64)
    assert "64 programs are played" in text
    assert re.search(r"all equally good +9 +0 points", text)
    assert re.search(r"always loses +none is enough +15\.3 points", text)


def test_a_plan_for_one_program_speaks_of_no_model():
    assert "model" not in plan_text(0.05, programs=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0,), r"--width 0: .* such as 0\.05"),
        ((5,), r"--width 5: .* as a fraction"),
        ((float("nan"),), "--width nan"),
        ((0.1, 50), r"--rate 50: .* from 0 to 1"),
        ((0.1, 0.5, 0), "--samples 0"),
        ((1e-6,), "a larger one"),
    ],
)
def test_a_plan_refuses_what_makes_no_sense(arguments, message):
    with pytest.raises(ConfigError, match=message):
        plan_text(*arguments)


def test_a_sweep_says_that_more_seeds_no_longer_help():
    wins = (np.random.default_rng(0).random((64, 1)) < 0.5) @ np.ones((1, 32))
    found = outlook(wins, 0.1)
    text = outlook_text(found, 64, 32)
    assert "from 64 programs on 32 seeds" in text
    assert "More seeds no longer help" in text
    assert f"About {found.programs:,} programs lead to 10 points as wished" in text


@pytest.mark.parametrize(
    ("seeds", "programs", "said"),
    [
        (None, None, "it takes more of both"),
        (300, None, r"More programs no longer help.*About 300 seeds"),
        (300, 1500, r"About 300 seeds for the same programs, or 1,500 programs"),
    ],
)
def test_a_sweep_says_what_helps(seeds, programs, said):
    found = Outlook(width=0.3, wished=0.1, by_seeds=0.12, by_programs=0.11, seeds=seeds, programs=programs)
    assert re.search(said, outlook_text(found, 8, 8))


def test_a_sweep_says_that_it_is_narrow_enough():
    found = Outlook(width=0.05, wished=0.1, by_seeds=0.01, by_programs=0.01, seeds=5, programs=5)
    assert "narrow enough" in outlook_text(found, 64, 32)
