"""A task as a Gymnasium environment: Gymnasium's own checker passes it, and its rewards are the scorer's."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import psutil
import pytest
from gymnasium.utils.env_checker import check_env
from hypothesis import given, settings
from hypothesis import strategies as st

import envrl
from envrl.envs import find_task, registry
from envrl.errors import ConfigError, EnvError, SeedError, UnknownNameError
from envrl.outcomes import Outcome
from envrl.rewards import Scorer, find_preset
from envrl.rewards.prompt_env import AnyText, PromptEnv
from envrl.rollouts import Arena, Assignment, Episode, Scorecard, fenced
from envrl.seeding import block_salt

CORNER = fenced("def strategy(board):\n    return next(m for m in 'ASDW' if m in legal(board))")
FILE = """
import os
import gymnasium
import envrl

class Coin(gymnasium.Env):
    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return int(self.np_random.integers(2)), {}

    def step(self, action):
        if os.environ.get("COIN") == "lost":
            raise RuntimeError("the coin is lost")
        right = bool(self.np_random.integers(2))
        return 0, float(right), True, False, {"is_success": right}

gymnasium.register("prompted/coin-v0", entry_point=Coin, max_episode_steps=5)
envrl.register("prompted/coin-v0", short="prompted")
"""


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measures random play into a cache of its own, and takes out of both registries what a test put in."""
    monkeypatch.setenv("ENVRL_CACHE", str(tmp_path / "cache"))
    ids, tasks = dict(gymnasium.registry), dict(registry._tasks)
    yield
    for there, before in ((gymnasium.registry, ids), (registry._tasks, tasks)):
        there.clear()
        there.update(before)


@pytest.fixture(scope="module")
def env() -> Iterator[PromptEnv]:
    made = PromptEnv("2048")
    yield made
    made.close()


@pytest.mark.parametrize("name", ["2048", "sudoku", "math", "CartPole-v1", "coin.py:prompted"])
@pytest.mark.parametrize("contract", ["chat", "tiny"])
def test_gymnasiums_checker_passes_it(name: str, contract: str, tmp_path: Path) -> None:
    (tmp_path / "coin.py").write_text(FILE)
    made = PromptEnv(str(tmp_path / name) if ".py" in name else name, contract=contract, episodes=2)
    check_env(made)
    made.close()


def test_gymnasium_makes_it_again_from_its_spec() -> None:
    choice = {"contract": "tiny", "episodes": 1, "weights": {"success": 5.0}, "block": "validation", "salt": "x"}
    first = PromptEnv("2048", **choice)
    made = gymnasium.make(first.spec)
    assert made.unwrapped.spec.kwargs.items() >= choice.items()
    observation, info = made.reset(seed=1)
    assert (observation, info) == first.reset(seed=1)
    assert made.step("nothing")[1:4] == first.step("nothing")[1:4] == (0.0, True, False)
    made.close()


def test_the_prompt_is_observed_and_a_completion_ends_the_episode(env: PromptEnv) -> None:
    observation, info = env.reset(seed=7)
    assert observation == find_task("2048").prompt("chat")
    assert observation in env.observation_space
    again, reward, terminated, truncated, told = env.step(f"Let me think … ✓\n{CORNER}\nThat is all.")
    assert (again, terminated, truncated) == (observation, True, False)
    assert told["seeds"] == info["seeds"]
    assert len(set(told["seeds"])) == 4
    assert told["rewards"].keys() == {"format", "safety", "success", "progress"}
    assert reward == find_preset("envrl").total(told["rewards"])
    assert isinstance(told["scorecard"], Scorecard)
    assert [e.index for e in told["scorecard"].episodes] == told["seeds"]
    assert told["success"] == told["scorecard"].success


@pytest.mark.parametrize(
    ("name", "block", "programs"),
    [
        (
            "2048",
            "train",
            [
                "def strategy(board):\n    return choice(legal(board))",
                "def strategy(board):\n    return 1 / 0",
                "def strategy(board:",
                "import os\ndef strategy(board):\n    return 'W'",
            ],
        ),
        ("sudoku", "test", ["def strategy(board, initial):\n    return moves(board)[0]"]),
        ("CartPole-v1", "validation", ["def strategy(o):\n    return int(o[2] + o[3] > 0)"]),
    ],
)
def test_a_reward_is_what_the_scorer_gives_for_this_completion_and_these_seeds(
    name: str, block: Any, programs: list[str]
) -> None:
    made = PromptEnv(name, block=block, salt="pepper", episodes=3)
    task = find_task(name)
    salt = block_salt(block, task.id, task.version, "pepper")
    with Arena(task, workers=1) as arena:
        scorer = Scorer(arena, "chat", find_preset("envrl"), block, salt)
        for seed, program in enumerate(programs):
            _, told = made.reset(seed=seed)
            _, reward, _, _, info = made.step(fenced(program))
            (one,) = scorer.score([fenced(program)], [told["seeds"]])
            assert reward == one.total
            assert info["rewards"] == one.rewards
            assert [(e.index, e.outcome, e.score) for e in info["scorecard"].episodes] == [
                (e.index, e.outcome, e.score) for e in one.card.episodes
            ]
    made.close()


def test_the_seed_of_reset_chooses_the_games(env: PromptEnv) -> None:
    def seeds(seed: int | None) -> list[int]:
        chosen: list[int] = env.reset(seed=seed)[1]["seeds"]
        return chosen

    first, second = seeds(5), seeds(None)
    assert first != second
    assert (seeds(5), seeds(None)) == (first, second)
    assert seeds(6) != first
    assert env.reset(options={"seeds": "3:6"})[1]["seeds"] == [3, 4, 5]
    assert env.reset(options={"seeds": 2})[1]["seeds"] == [0, 1]
    assert env.reset(options={"seeds": (9, 1)})[1]["seeds"] == [9, 1]
    assert [e.index for e in env.step(CORNER)[4]["scorecard"].episodes] == [9, 1]


def test_blocks_and_salts_give_other_games(monkeypatch: pytest.MonkeyPatch) -> None:
    def games(**choice: Any) -> tuple[int, ...]:
        """The 63-bit seeds that are played."""
        played: list[Assignment] = []

        def play(assignments: list[Assignment], progress: object) -> list[Scorecard]:
            played.extend(assignments)
            return [Scorecard(source="…", episodes=(Episode(index=0, outcome=Outcome.SUCCESS),))]

        made = PromptEnv("2048", **choice)
        monkeypatch.setattr(made._here, "play", play)
        made.reset(seed=3)
        made.step(CORNER)
        return played[0].seeds

    assert games() == games()
    assert len({games(), games(salt="x"), games(block="test")}) == 3
    assert games(block="test") == games(block="test", salt="x")


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("return next(m for m in 'ASDW' if m in legal(board))", {"success", "failure"}),
        ("return 5", {"invalid_action"}),
        ("return 1 / 0", {"exception"}),
        ("while True: pass", {"timeout"}),
        ("return board.__class__", {"violation"}),
        ("return )", {"syntax_error"}),
    ],
)
def test_the_outcome_is_that_of_the_worst_game(env: PromptEnv, program: str, outcome: set[str]) -> None:
    env.reset(options={"seeds": 2})
    assert env.step(fenced(f"def strategy(board):\n    {program}"))[4]["outcome"] in outcome


def test_one_lost_game_is_the_worst_among_those_that_are_won() -> None:
    made = PromptEnv("envrl/2048-256-v0")
    made.reset(options={"seeds": 30})
    info = made.step(CORNER)[4]
    made.close()
    assert 0 < info["success"] < 1
    assert info["outcome"] == "failure"


def test_failing_earlier_never_pays_more(env: PromptEnv) -> None:
    def reward(completion: str) -> float:
        env.reset(seed=2)
        return env.step(completion)[1]

    order = [
        "nothing",
        fenced("def strategy(board):\n    return 1 / 0"),
        fenced("def strategy(b):\n    return 'W'"),
        CORNER,
    ]
    rewards = [reward(completion) for completion in order]
    assert rewards == sorted(rewards)
    assert len(set(rewards)) == 4


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.text(), st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Lu"]))))
def test_whatever_a_model_writes_is_an_action(env: PromptEnv, text: str) -> None:
    assert text in env.action_space
    env.reset(options={"seeds": 1})
    _, reward, terminated, _, info = env.step(f"```python\n{text}\n```")
    assert terminated
    assert reward <= 1.0
    assert info["outcome"] in ("syntax_error", "no_entry_point", "no_code", "violation")


def test_any_text_is_a_space_of_short_texts() -> None:
    space = AnyText(5)
    assert all(text in space for text in ("", "é✓🎲", "\ud800", "a\nb"))
    assert all(value not in space for value in ("123456", b"ab", 5, None))
    space.seed(1)
    assert all(space.sample() in space for _ in range(50))
    assert space == AnyText(5) != AnyText(6)
    assert repr(space) == "AnyText(5)"
    assert pickle.loads(pickle.dumps(space)) == space


def test_gymnasiums_vector_environment_takes_it() -> None:
    envs = gymnasium.vector.SyncVectorEnv([lambda: PromptEnv("2048", episodes=1)] * 2)
    prompts, info = envs.reset(seed=[1, 1])
    assert prompts == (find_task("2048").prompt("chat"),) * 2
    _, rewards, terminated, _, info = envs.step((CORNER, "nothing"))
    assert rewards[0] > rewards[1] == 0
    assert terminated.all()
    assert info["outcome"][1] == "no_code"
    envs.close()


def test_a_failure_of_the_environment_is_no_reward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "coin.py").write_text(FILE)
    made = PromptEnv(str(tmp_path / "coin.py"))
    made.reset(seed=0)
    monkeypatch.setenv("COIN", "lost")
    with pytest.raises(EnvError, match=r"no reward .* seed \d+: .*RuntimeError: the coin is lost"):
        made.step(fenced("def strategy(observation):\n    return 0"))
    monkeypatch.delenv("COIN")
    made.reset()
    assert made.step(fenced("def strategy(observation):\n    return 1"))[4]["outcome"] in ("success", "failure")
    made.close()


def test_closing_ends_the_sandbox() -> None:
    def children() -> set[int]:
        return {child.pid for child in psutil.Process().children(recursive=True)}

    before = children()
    made = PromptEnv("2048")
    made.reset(seed=0)
    made.step("nothing")
    assert children() == before, "nothing was played"
    made.reset()
    made.step(CORNER)
    assert children() > before
    made.close()
    assert children() == before
    made.close()
    for call in (made.reset, lambda: made.step(CORNER)):
        with pytest.raises(gymnasium.error.ClosedEnvironmentError, match="make a new one"):
            call()


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ({"env": "2O48"}, UnknownNameError, "unknown environment '2O48'"),
        ({"contract": "chatty"}, UnknownNameError, "did you mean chat"),
        ({"preset": "envlr"}, UnknownNameError, "did you mean envrl"),
        ({"weights": {"speed": 1.0}}, ConfigError, "speed"),
        ({"block": "tests"}, UnknownNameError, "did you mean test"),
        ({"episodes": 0}, ConfigError, "episodes is 0"),
        ({"episodes": True}, ConfigError, "episodes is True"),
    ],
)
def test_what_cannot_be_used_is_told(choice: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PromptEnv(**choice)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"seed": 3}, ConfigError, "'seeds'"),
        ({"seeds": []}, SeedError, r"\[\]"),
        ({"seeds": [1.5]}, SeedError, r"1\.5"),
        ({"seeds": [True]}, SeedError, "True"),
        ({"seeds": [-1]}, SeedError, "-1"),
        ({"seeds": "a:b"}, SeedError, "a:b"),
        ({"seeds": 2.0}, SeedError, r"2\.0"),
    ],
)
def test_options_of_reset_that_mean_nothing_are_told(
    env: PromptEnv, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        env.reset(options=options)


def test_a_completion_takes_one_step(env: PromptEnv) -> None:
    env.reset(seed=0)
    with pytest.raises(gymnasium.error.InvalidAction, match=re.escape("of type bytes")):
        env.step(b"text")  # type: ignore[arg-type]
    env.step("nothing")
    with pytest.raises(gymnasium.error.ResetNeeded, match="reset"):
        env.step("nothing")


def test_the_worst_of_a_card_that_was_played() -> None:
    from envrl.rewards.prompt_env import _worst

    def card(*outcomes: Outcome) -> Scorecard:
        return Scorecard(source="…", episodes=tuple(Episode(index=0, outcome=o) for o in outcomes))

    won, lost = Outcome.SUCCESS, Outcome.FAILURE
    assert _worst(card(won, won)) is won
    assert _worst(card(won, lost, won)) is lost
    assert _worst(card(lost, Outcome.SKIPPED, Outcome.TIMEOUT, Outcome.CRASH)) is Outcome.CRASH


def test_it_is_a_public_name() -> None:
    assert envrl.PromptEnv is PromptEnv
