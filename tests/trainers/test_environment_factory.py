"""Direct play: games behave as the task says, and TRL's GRPO trains on them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import envrl
from envrl.config import ModelConfig
from envrl.envs import Ending, InvalidAction, Task, find_task
from envrl.errors import ConfigError, SeedError, UnknownNameError
from envrl.models import load_model, quiet_libraries
from envrl.outcomes import Outcome
from envrl.rollouts import Assignment, LocalPlayers
from envrl.seeding import episode_seeds
from envrl.trainers.environment_factory import DirectPlay, EnvironmentFactory, environment_factory
from envrl.trainers.sft import silence, train_sft


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVRL_CACHE", str(tmp_path / "cache"))


def moving(environment: DirectPlay, *actions: Any) -> list[str]:
    """What the tool answers."""
    return [environment.move(action) for action in actions]  # type: ignore[attr-defined]


# games


def test_a_game_is_begun_by_its_row_and_shown_after_the_rules() -> None:
    factory = environment_factory("2048")
    row = factory.rows(range(5))[3]
    text = factory().reset(**row)
    assert "You play this game yourself" in text
    assert "You win when a tile of 512 stands" in text
    assert not any(word in text for word in ("fenced", "helpers", "Use only plain Python"))
    rules, _, board = text.partition("\n\nboard:\n")
    rows = [json.loads(line) for line in board.splitlines()]
    (seed,) = episode_seeds("", "train", [3])
    env = gymnasium.make("envrl:envrl/2048-v0")
    seen, _ = env.reset(seed=seed)
    assert rows == np.where(seen > 0, 2 ** seen.astype(int), 0).tolist()
    assert factory().reset(seed=4).startswith(rules)
    assert factory().reset(seed=4) == factory().reset(**factory.rows([4])[0], other="column") != text
    assert text == factory().reset(seed=3)


def test_blocks_and_salts_give_other_games() -> None:
    def first(**choice: Any) -> str:
        return environment_factory("sudoku", prompt="", **choice)().reset(seed=0)

    assert len({first(), first(salt="x"), first(block="test")}) == 3
    assert first(block="test", salt="x") == first(block="test")
    assert first().startswith("board:\n[")


@pytest.mark.parametrize("name", ["2048", "sudoku", "CartPole-v1"])
def test_a_game_that_is_played_by_moves_ends_as_one_that_a_program_plays(name: str) -> None:
    # The moves are those of a program, taken down as it plays.
    program = {
        "2048": "def strategy(board):\n    return next(m for m in 'ASDW' if m in legal(board))",
        "sudoku": "def strategy(board, initial):\n    return min(moves(board), key=lambda m: options(board, m))",
        "CartPole-v1": "def strategy(o):\n    return int(o[2] + o[3] > 0)",
    }[name]
    task = find_task(name)
    taken: list[Any] = []

    def noted(value: Any) -> Any:
        taken.append(value)
        return task.action(value)

    for index in range(3):
        taken.clear()
        players = LocalPlayers(replace(task, action=noted))
        (card,) = players.play([Assignment(program, (index,), tuple(episode_seeds("", "train", [index])))])
        players.close()
        environment = environment_factory(name)()
        environment.reset(seed=index)
        answers = moving(environment, *json.loads(json.dumps(taken)))  # as a model's JSON brings them
        (there,), here = card.episodes, environment.episode
        assert here is not None
        assert (here.index, here.outcome, here.steps, here.score, here.progress, here.metrics) == (
            there.index, there.outcome, there.steps, there.score, there.progress, there.metrics,
        )  # fmt: skip
        assert answers[-1].startswith(f"The game is over: {there.outcome}")
        assert not any("over" in answer for answer in answers[:-1])


def test_only_what_has_changed_is_shown_again() -> None:
    environment = environment_factory("sudoku", prompt="")()
    assert "\ninitial:\n" in environment.reset(seed=1)
    solution = solved(environment)
    (answer,) = moving(environment, next(solution))
    assert answer.startswith("board:\n")
    assert "initial" not in answer
    game = environment_factory("2048", prompt="")()
    board = game.reset(seed=3)
    assert board == "board:\n[0, 2, 0, 0]\n[0, 2, 0, 0]\n[0, 0, 0, 0]\n[0, 0, 0, 0]"
    first, *others = moving(game, *"W" * 20)
    assert first.startswith("board:\n[0, 4, 0, 0]")
    assert "Nothing has changed." in others


def solved(environment: DirectPlay) -> Any:
    from envrl.envs.sudoku.solver import solutions

    board = environment._shown[0]
    (grid,) = solutions(bytes(cell for row in board for cell in row), 2)
    return ([i // 9, i % 9, grid[i]] for i in range(81) if not board[i // 9][i % 9])


def test_a_puzzle_that_is_filled_is_won() -> None:
    factory = environment_factory("sudoku")
    environment = factory()
    environment.reset(seed=0)
    moving(environment, *solved(environment))
    assert environment.episode is not None
    assert environment.episode.outcome is Outcome.SUCCESS
    assert environment.get_reward() == pytest.approx(0.5 + 0.5 + 2.0 + 0.5)
    heavy = environment_factory("sudoku", weights={"success": 10.0})()
    heavy.reset(seed=0)
    moving(heavy, *solved(heavy))
    assert heavy.get_reward() == pytest.approx(11.5)


@pytest.mark.parametrize(
    ("name", "action", "told"),
    [
        ("2048", "up", "'up'"),
        ("2048", 1, "returned 1"),
        ("2048", None, "None"),
        ("2048", ["W"], "'W'"),
        ("sudoku", [0, 0], "[0, 0]"),
        ("sudoku", [0, 0, 10**30], "1000000"),
        ("sudoku", {"row": 1}, "'row'"),
        ("CartPole-v1", 2, "returned 2"),
        ("CartPole-v1", 1.0, "returned 1.0"),
        ("CartPole-v1", True, "True"),
        ("CartPole-v1", "1", "'1'"),
        ("Pendulum-v1", [float("nan")], "nan"),
        ("Pendulum-v1", [9.0], "9.0"),
    ],
)
def test_what_is_no_action_ends_the_game_and_is_told(name: str, action: Any, told: str) -> None:
    task = envrl.wrap(name, success="return >= 0") if name == "Pendulum-v1" else name
    environment = environment_factory(task)()
    environment.reset(seed=0)
    (answer,) = moving(environment, action)
    assert answer.startswith("The game is over: invalid_action: ")
    assert told in answer
    assert moving(environment, "W", 0) == [answer] * 2, "it is over"
    assert environment.episode is not None
    assert environment.episode.outcome is Outcome.INVALID_ACTION
    assert environment.episode.steps == 0


def test_moves_that_change_nothing_end_a_game_as_the_task_says() -> None:
    environment = environment_factory("2048")()
    environment.reset(seed=3)
    answers = moving(environment, *"W" * 40)
    assert answers[-1].startswith("The game is over: invalid_action")


def test_failing_earlier_never_pays_more() -> None:
    def reward(*actions: Any) -> float:
        environment = environment_factory("2048")()
        environment.reset(seed=3)
        moving(environment, *actions)
        value = environment.get_reward()
        assert value is not None
        return value

    cycle = tuple("WASD" * 200)
    order = [reward(), reward("up"), reward("W"), reward(*cycle[:30]), reward(*cycle)]
    assert order == sorted(order)
    assert order[0] == 0.0
    assert len(set(order)) == 5


def test_a_game_that_is_left_in_the_middle_has_failed_as_it_stands() -> None:
    environment = environment_factory("2048")()
    environment.reset(seed=3)
    moving(environment, "W", "D")
    reward = environment.get_reward()
    assert environment.episode is not None
    assert (environment.episode.outcome, environment.episode.steps) == (Outcome.FAILURE, 2)
    assert environment.get_reward() == reward
    assert moving(environment, "W")[0].startswith("The game is over: failure")
    assert "board:" in environment.reset(seed=4), "it is used again"
    assert environment.episode is None
    assert environment.get_reward() == 0.0


def test_without_a_game_there_is_none_to_move_in() -> None:
    environment = environment_factory("2048")()
    assert environment.episode is None
    with pytest.raises(ConfigError, match="reset"):
        moving(environment, "W")


@pytest.mark.parametrize("row", [{}, {"seed": None}, {"seed": 1.0}, {"seed": "1"}, {"seed": True}])
def test_a_row_without_an_index_is_told_what_to_have(row: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"column 'seed' is .*\(factory\.rows"):
        environment_factory("2048")().reset(**row)


def test_names_and_indices_that_there_are_not() -> None:
    with pytest.raises(SeedError, match="-1"):
        environment_factory("2048")().reset(seed=-1)
    with pytest.raises(UnknownNameError, match="2O48"):
        environment_factory("2O48")
    with pytest.raises(UnknownNameError, match="did you mean train"):
        environment_factory("2048", block="trian")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="speed"):
        environment_factory("2048", weights={"speed": 1.0})


def test_an_environment_that_fails_has_no_reward_and_says_so() -> None:
    class Broken:
        def __init__(self, seeds: Any) -> None:
            pass

        def observe(self, which: Any) -> list[Any]:
            return [b"\x01" * 16]

        def act(self, which: Any, actions: Any) -> list[Any]:
            return [Ending(Outcome.INFRASTRUCTURE_ERROR, 0, 0.0, 0.0, {}, "the environment raised KeyError: 3")]

    environment = environment_factory(replace(find_task("2048"), games=Broken))()  # type: ignore[arg-type]
    environment.reset(seed=8)
    moving(environment, "W")
    with pytest.warns(RuntimeWarning, match=r"seed 8: no reward: the environment raised KeyError"):
        assert environment.get_reward() is None


# the tool


def schema(factory: EnvironmentFactory) -> dict[str, Any]:
    from transformers.utils import get_json_schema

    tool: dict[str, Any] = get_json_schema(factory().move)["function"]  # type: ignore[attr-defined]
    return tool


@pytest.mark.parametrize(
    ("example", "kind", "shown"),
    [
        ('"W"', {"type": "string"}, 'for example "W".'),
        ("0", {"type": "integer"}, "for example 0."),
        ("[0.5, 1.0]", {"type": "array", "items": {"type": "number"}}, "for example [0.5, 1.0]."),
        ("(0, 0, 1)", {"type": "array", "items": {"type": "integer"}}, "for example [0, 0, 1]."),
        ("[[1], [0]]", {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, "[[1], [0]]."),
        ('(1, "a")', {"type": "array", "items": {}}, 'for example [1, "a"].'),
        ("[]", {"type": "array", "items": {}}, "for example []."),
        ("{'gas': 0.5}", {"type": "object"}, 'for example {"gas": 0.5}.'),
        ("None", {}, "What the rules ask for."),
    ],
)
def test_the_tool_is_typed_and_documented_as_the_actions_are(example: str, kind: dict[str, Any], shown: str) -> None:
    tool = schema(environment_factory(replace(find_task("2048"), example_action=example)))
    assert tool["name"] == "move"
    assert tool["description"] == "Makes the next move."
    assert tool["return"]["type"] == "string"
    action = tool["parameters"]["properties"].pop("action")
    assert tool["parameters"] == {"type": "object", "properties": {}, "required": ["action"]}
    description = action.pop("description")
    assert action == kind
    assert description.endswith(shown)


def test_nothing_but_the_tool_is_public() -> None:
    factory = environment_factory("sudoku")
    environment = factory()
    assert type(environment) is type(factory()), "TRL takes rewards by class"
    assert type(environment).__name__ == "sudoku", "TRL logs rewards by its name"
    public = {name for name in vars(DirectPlay) | vars(type(environment)) if not name.startswith("_")}
    assert public == {"reset", "get_reward", "episode", "move"}
    assert isinstance(vars(DirectPlay)["episode"], property)


def test_arguments_are_named_where_the_prompt_names_them() -> None:
    def first(task: Task) -> str:
        return environment_factory(task, prompt="")().reset(seed=3)

    task = find_task("2048")
    assert first(task).startswith("board:\n[0,")
    assert first(replace(task, prompts={"chat": "Play."})).startswith("[0,")
    assert first(find_task("CartPole-v1")).startswith("observation: [")


def test_an_actions_own_error_is_the_tasks() -> None:
    def action(value: Any) -> int:
        raise InvalidAction("returned something odd")

    environment = environment_factory(replace(find_task("2048"), action=action))()
    environment.reset(seed=0)
    assert "returned something odd" in moving(environment, "W")[0]


def test_it_is_a_public_name() -> None:
    assert envrl.environment_factory is environment_factory


# TRL


TEMPLATE = (
    "{% for message in messages %}"
    "{% if not loop.first %}{{ '\\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] }}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ call['function']['name'] }}("
    "{% for name, value in call['function']['arguments'].items() %}{{ name }}={{ value }}{% endfor %})"
    "{% endfor %}"
    "{{ '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '\\n<|im_start|>assistant\\n' }}{% endif %}"
)
RESPONSES = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|im_start|>assistant\n",
    "fields": {
        "tool_calls": {
            "open": "move(action=",
            "close": ")",
            "repeats": True,
            "content": "text",
            "transform": {"type": "function", "function": {"name": "move", "arguments": {"action": "{content}"}}},
        },
        "content": {"close": "<|im_end|>", "content": "text"},
    },
}
"""What TRL needs of a tokenizer: a template that shows calls and what tools answered, and how calls are read back.

The tiny model's own has neither; models that were made for tools bring theirs.
"""


def played(factory: EnvironmentFactory) -> list[tuple[str, str]]:
    """What a model has seen, and a call that it might make then, over the first moves of a few games."""
    pairs = []
    for index in range(100, 116):
        environment = factory()
        seen = environment.reset(seed=index)
        for i in range(3):
            key = "WASD"[(index + index // 4 * i + i) % 4]
            pairs.append((seen, f"move(action={key})"))
            (answer,) = moving(environment, key)
            seen += f"<|im_end|>\n<|im_start|>assistant\nmove(action={key})<|im_end|>\n<|im_start|>tool\n{answer}"
    return pairs


class Course:
    """Three steps of GRPO on the tiny model, after it has learnt what a call looks like."""

    def __init__(self, output: Path) -> None:
        import torch
        from datasets import Dataset
        from trl import GRPOConfig, GRPOTrainer

        quiet_libraries()
        torch.set_num_threads(1)
        loaded = load_model(ModelConfig(path="tiny"), "cpu")
        loaded.tokenizer.chat_template = TEMPLATE
        loaded.tokenizer.response_template = RESPONSES
        self.factory = environment_factory(find_task("2048", {"size": 3, "target": 128}), prompt="Play 2048.")
        train_sft(
            loaded.model,
            loaded.tokenizer,
            played(self.factory),
            output=output / "sft",
            max_steps=50,
            batch_size=4,
            learning_rate=4e-3,
            seed=0,
            device="cpu",
        )
        self.before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
        self.ended: list[list[Any]] = []

        def watched(environments: list[DirectPlay], **_: Any) -> list[float]:
            self.ended.append([(e.episode, e.get_reward()) for e in environments])
            return [7.0] * len(environments)

        trainer = GRPOTrainer(
            model=loaded.model,
            reward_funcs=watched,
            args=GRPOConfig(
                output_dir=str(output),
                max_steps=3,
                per_device_train_batch_size=4,
                num_generations=4,
                temperature=0.5,  # calls are spelt out right, while any of the four moves may be made
                reward_weights=[0.0],  # of what only watches
                max_completion_length=300,
                learning_rate=1e-4,
                seed=1,
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                dataloader_pin_memory=False,
                shuffle_dataset=False,
            ),
            train_dataset=Dataset.from_list(self.factory.rows(range(4))),
            processing_class=loaded.tokenizer,
            environment_factory=self.factory,
        )
        silence(trainer)
        trainer.train()
        self.logs = [log for log in trainer.state.log_history if "loss" in log]
        self.after = trainer.model.state_dict()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")  # TRL warns that the interface may change
        return Course(tmp_path_factory.mktemp("direct"))


def test_trl_lets_the_model_move(course: Course) -> None:
    assert [len(step) for step in course.ended] == [4, 4, 4]
    episodes = [episode for step in course.ended for episode, _ in step if episode is not None]
    assert max(episode.steps for episode in episodes) > 1, "it saw what a move did, and moved on"
    assert sum(log["tools/call_frequency"] for log in course.logs) > 0


def test_a_group_plays_the_same_game_and_each_row_another(course: Course) -> None:
    indices = [{episode.index for episode, _ in step if episode is not None} for step in course.ended]
    assert indices == [{0}, {1}, {2}]


def test_trl_learns_from_the_environments_own_reward(course: Course) -> None:
    for step, log in zip(course.ended, course.logs, strict=True):
        rewards = [reward for _, reward in step]
        assert log["reward"] == pytest.approx(sum(rewards) / 4, abs=1e-5)
        assert log["rewards/2048/mean"] == pytest.approx(sum(rewards) / 4, abs=1e-5)
    learnt = any((course.after[name] != course.before[name]).any() for name in course.before)
    assert learnt == any(log["reward_std"] > 0 for log in course.logs)
