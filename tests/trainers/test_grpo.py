"""GRPO: the configuration becomes TRL's, and scorecards become its reward functions."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from pathlib import Path

import pytest

from envrl.config import ModelConfig, load_config
from envrl.envs import find_task
from envrl.errors import ConfigError
from envrl.models import load_model, quiet_libraries
from envrl.outcomes import Outcome
from envrl.rewards import Scored, Scorer, find_preset
from envrl.rollouts import Episode, Scorecard
from envrl.trainers.arguments import adapters as make_adapters
from envrl.trainers.grpo import _arguments, train_grpo
from envrl.trainers.play import PromptRow, prompt_rows, step_figures
from envrl.trainers.rloo import train_rloo

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"
SHORT = [
    "method.num_generations=4",
    "train.per_device_train_batch_size=4",
    "method.max_completion_length=32",
    "env.episodes=2",
    "train.save_steps=2",
    "train.warmup_steps=0",
    "method.num_iterations=1",
]


def config(*overrides):
    return load_config(RECIPE, overrides).config


# rows


@pytest.mark.parametrize(
    ("overrides", "count"),
    [
        ([], 50),
        (["train.max_steps=30"], 15),
        (["method.num_generations=16"], 200),
        (["train.gradient_accumulation_steps=2"], 100),
        (["method.num_iterations=1", "train.max_steps=7"], 7),
        (["method.num_iterations=2", "train.max_steps=7"], 4),
        (["method.num_iterations=1", "method.steps_per_generation=4", "train.max_steps=10"], 12),
        (["method.steps_per_generation=2", "method.num_iterations=2", "train.max_steps=8"], 4),
    ],
)
def test_there_is_a_row_for_every_group_that_is_sampled(overrides, count):
    rows = prompt_rows(config(*overrides), "p")
    assert len(rows) == count
    assert {row.prompt for row in rows} == {"p"}


def test_no_two_rows_play_the_same_games():
    rows = prompt_rows(config("train.max_steps=9", "env.episodes=5", "method.num_generations=32"), "p")
    indices = [index for row in rows for index in row.seeds]
    assert all(len(row.seeds) == 5 for row in rows)
    assert len(set(indices)) == len(indices) == 5 * len(rows)
    assert sorted(indices) == list(range(len(indices)))


# figures


def card(*outcomes, outcome=None, hash_="a", strained=False):
    episodes = tuple(
        Episode(index=i, outcome=o, progress=1.0 if o is Outcome.SUCCESS else 0.5, strained=strained)
        for i, o in enumerate(outcomes)
    )
    return Scorecard(source="…", outcome=outcome, program_hash=None if outcome else hash_, episodes=episodes)


def scored(*cards):
    preset = find_preset("envrl")
    return [Scored(f"text {i % 3}", c, preset.rewards(c), preset.total(preset.rewards(c))) for i, c in enumerate(cards)]


def test_figures_of_a_batch():
    won, lost = Outcome.SUCCESS, Outcome.FAILURE
    figures = step_figures(
        scored(
            card(won, won, won, lost, hash_="a", strained=True),
            card(lost, lost, won, Outcome.TIMEOUT, hash_="b"),
            card(lost, lost, lost, lost, hash_="b"),
            card(outcome=Outcome.SYNTAX_ERROR),
        )
    )
    assert figures["success"] == (0.75 + 0.25 + 0 + 0) / 4
    assert figures["progress"] == pytest.approx((3.5 / 4 + 2.5 / 4 + 0.5 + 0) / 4)
    assert figures["broken"] == 0.25
    assert figures["outcomes"] == {
        "success": 4 / 16, "failure": 7 / 16, "timeout": 1 / 16, "syntax_error": 4 / 16,
    }  # fmt: skip
    assert sum(figures["outcomes"].values()) == 1
    assert figures["distinct_programs"] == 3  # a, b, and the text that is no program
    assert figures["largest_share"] == 0.5
    assert figures["over_half_budget"] == 4 / 12


def test_what_envrl_failed_to_measure_is_no_part_of_the_success():
    figures = step_figures(scored(card(Outcome.SUCCESS), card(Outcome.INFRASTRUCTURE_ERROR)))
    assert figures["success"] == 1.0
    assert figures["outcomes"]["infrastructure_error"] == 0.5
    assert step_figures(scored(card(Outcome.INFRASTRUCTURE_ERROR)))["success"] is None


def test_figures_of_a_batch_without_a_single_program():
    figures = step_figures(scored(*[card(outcome=Outcome.NO_CODE)] * 4))
    assert (figures["success"], figures["broken"], figures["outcomes"]) == (0.0, 1.0, {"no_code": 1.0})
    assert figures["over_half_budget"] == 0.0
    assert figures["distinct_programs"] == 3


# arguments


def arguments(*overrides, device="cpu", weights=(0.5, 0.5, 2.0, 0.5)):
    return _arguments(config(*overrides), Path("unused"), device, weights)


def test_the_recipe_becomes_trls_configuration():
    made = arguments()
    # transformers' "constant" passes over the warm-up.
    assert str(made.lr_scheduler_type) in ("cosine", "SchedulerType.COSINE")
    assert made.warmup_steps == 0.1
    assert made.entropy_coef == 0.01
    assert made.reward_weights == [0.5, 0.5, 2.0, 0.5]
    assert (made.max_steps, made.learning_rate, made.max_grad_norm) == (100, 2e-4, 0.1)
    assert made.adam_beta2 == 0.999
    assert made.adam_epsilon == 1e-8
    assert (made.num_generations, made.per_device_train_batch_size) == (64, 64)
    assert (made.temperature, made.top_p, made.top_k, made.min_p) == (1.0, 1.0, 0, 0.02)
    assert (made.beta, made.loss_type, made.scale_rewards) == (0.0, "dapo", "group")
    assert made.max_completion_length == 112
    assert made.num_iterations == 2
    assert (made.bf16, made.fp16, made.use_cpu) == (False, False, True)
    assert made.shuffle_dataset is False, "rows would not be played in their order"
    assert made.report_to == []
    assert made.use_vllm is False
    assert made.save_steps == 50
    assert made.disable_tqdm


def test_constant_without_a_warmup_stays_constant_and_others_keep_theirs():
    assert "warmup" not in str(arguments("train.warmup_steps=0").lr_scheduler_type).lower()
    assert "cosine" in str(arguments("train.lr_scheduler_type=cosine").lr_scheduler_type).lower()


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("method.top_k=20", "top_k", 20),
        ("method.min_p=0.1", "min_p", 0.1),
        ("method.epsilon_high=0.28", "epsilon_high", 0.28),
        ("method.mask_truncated_completions=true", "mask_truncated_completions", True),
        ("method.scale_rewards=none", "scale_rewards", "none"),
        ("method.num_iterations=2", "num_iterations", 2),
        ("train.seed=9", "seed", 9),
        ("train.weight_decay=0.1", "weight_decay", 0.1),
        ("train.optim=adafactor", "optim", "adafactor"),
        ("train.logging_steps=3", "logging_steps", 3),
        ("train.warmup_steps=0.1", "warmup_steps", 0.1),
        ("method.entropy_coef=0", "entropy_coef", 0.0),
    ],
)
def test_single_settings_reach_trl(override, field, value):
    assert getattr(arguments(override), field) == value


def test_luspo_weighs_whole_sequences():
    assert arguments("method.loss_type=luspo").importance_sampling_level == "sequence"
    assert arguments().importance_sampling_level == "token"


def test_gradient_checkpointing_reaches_trl_under_the_name_of_its_day():
    for wanted in (True, False):
        made = arguments(f"train.gradient_checkpointing={str(wanted).lower()}")
        name = "activation_checkpointing" if hasattr(made, "activation_checkpointing") else "gradient_checkpointing"
        assert bool(getattr(made, name)) is wanted


def test_adapters_come_from_the_configuration():
    assert make_adapters(config()) is None
    lora = ["model.lora.r=4", "model.lora.alpha=8", "model.lora.target_modules=[q_proj, v_proj]"]
    adapters = make_adapters(config(*lora))
    assert (adapters.r, adapters.lora_alpha, adapters.task_type) == (4, 8, "CAUSAL_LM")
    assert set(adapters.target_modules) == {"q_proj", "v_proj"}
    bare = ["method.entropy_coef=0", "method.tail_coef=0", "method.max_kl=null"]
    assert make_adapters(config(*lora, *bare, "model.backend=unsloth")) is None, "Unsloth puts its own on"


# the real thing


class FakePlayers:
    """Lets a program win by a coin that its text tosses; of each batch, one card is lost by us when asked."""

    def __init__(self, lose=False):
        self.calls, self.ahead = [], []
        self.heard = []
        self.lose = lose

    def play_ahead(self, assignments=()):
        self.heard += assignments

    def play(self, assignments, progress=None):
        self.calls.append(list(assignments))
        self.ahead.append(self.heard)
        self.heard = []
        return [self.card(place, a) for place, a in enumerate(assignments)]

    def card(self, place, assignment):
        toss = hashlib.sha256(assignment.source.encode()).digest()[0] / 255
        ours = self.lose and place == 0
        outcome = Outcome.INFRASTRUCTURE_ERROR if ours else Outcome.SUCCESS if toss > 0.5 else Outcome.FAILURE
        episodes = tuple(Episode(index=i, outcome=outcome, progress=toss) for i in assignment.indices)
        return Scorecard(source=assignment.source, program_hash=str(toss), episodes=episodes)


class Notes:
    def __init__(self):
        self.batches, self.steps, self.checkpoints = [], [], []

    def scored(self, step, scored):
        self.batches.append((step, list(scored)))

    def stepped(self, step, figures):
        self.steps.append((step, dict(figures)))

    def saved(self, step, checkpoint):
        self.checkpoints.append((step, checkpoint))


class Course:
    """Trains for some steps and keeps all that there was to see."""

    def __init__(self, output, *overrides, lose=False, resume_from=None):
        import torch

        quiet_libraries()  # as a run does: their deprecations among themselves are no concern of ours
        torch.set_num_threads(1)
        self.config = config(*SHORT, *overrides)
        self.players, self.notes = FakePlayers(lose), Notes()
        loaded = load_model(ModelConfig(path="tiny"), "cpu")
        self.before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
        scorer = Scorer(self.players, "tiny", find_preset("envrl"), "train", "salt")
        self.rows = prompt_rows(self.config, find_task("2048").prompt("tiny"))
        train_by_it = train_grpo if self.config.method.name == "grpo" else train_rloo
        self.trained = train_by_it(
            loaded, self.config, self.rows, scorer, self.notes, output=output, device="cpu", resume_from=resume_from
        )


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return Course(tmp_path_factory.mktemp("grpo"), "train.max_steps=3", "method.max_completion_length=96")


def test_every_batch_is_played_once_whatever_the_number_of_components(course):
    assert len(course.players.calls) == len(course.notes.batches) == 3
    assert [step for step, _ in course.notes.batches] == [1, 2, 3]
    assert all(len(batch) == 4 for _, batch in course.notes.batches)


def test_a_group_plays_the_same_games_and_each_step_others(course):
    for row, (_, batch), call in zip(course.rows, course.notes.batches, course.players.calls, strict=True):
        assert {a.indices for a in call} <= {row.seeds}
        for one in batch:
            assert one.card.outcome is not None or [e.index for e in one.card.episodes] == list(row.seeds)
    assert isinstance(course.rows[0], PromptRow)


def test_each_step_is_reported_with_trls_figures_and_ours(course):
    assert [step for step, _ in course.notes.steps] == [1, 2, 3]
    components = ("format", "safety", "success", "progress")
    for (_, figures), (_, batch) in zip(course.notes.steps, course.notes.batches, strict=True):
        for name in components:
            values = [one.rewards[name] for one in batch]
            assert figures[f"rewards/{name}/mean"] == pytest.approx(sum(values) / 4, abs=1e-5)
        assert figures["reward"] == pytest.approx(sum(one.total for one in batch) / 4, abs=1e-5)
        for name in ("reward_std", "frac_reward_zero_std", "entropy", "loss", "grad_norm", "learning_rate",
                     "completions/mean_length", "completions/clipped_ratio"):  # fmt: skip
            assert math.isfinite(figures[name]), name
        assert sum(one.clipped for one in batch) / 4 == figures["completions/clipped_ratio"]
        assert figures | step_figures(batch) == figures
        assert set(figures["seconds"]) == {"generation", "sandbox", "update"}
        assert all(seconds >= 0 for seconds in figures["seconds"].values())


def test_programs_that_are_finished_are_played_while_the_model_writes_others(course):
    for (_, batch), call, ahead in zip(course.notes.batches, course.players.calls, course.players.ahead, strict=True):
        finished = [one.card.source for one in batch if not one.clipped and one.card.source is not None]
        assert Counter(a.source for a in ahead) == Counter(finished)
        assert set(ahead) <= set(call)  # with the games that they will be asked for
    assert any(course.players.ahead)
    assert "generate" not in vars(course.trained.model), "nobody listens any more"


def test_accumulated_rows_are_heard_with_games_of_their_own(tmp_path):
    short = ["train.max_steps=1", "train.gradient_accumulation_steps=2", "method.max_completion_length=96"]
    course = Course(tmp_path, *short)
    (call,), (ahead,) = course.players.calls, course.players.ahead
    assert ahead
    assert set(ahead) <= set(call)
    assert len({a.indices for a in call}) == 2


def test_without_playing_ahead_nothing_is_heard_and_the_same_is_learnt(course, tmp_path):
    other = Course(tmp_path, "train.max_steps=3", "method.max_completion_length=96", "sandbox.play_ahead=false")
    assert not any(other.players.ahead)
    ours, theirs = course.trained.model.state_dict(), other.trained.model.state_dict()
    assert all((ours[name] == theirs[name]).all() for name in ours)


def test_the_gradient_is_real(course):
    after = course.trained.model.state_dict()
    assert set(after) == set(course.before)
    assert any((after[name] != course.before[name]).any() for name in after)


def test_checkpoints_are_told_of_once_they_are_written(course):
    # The last step always has one.
    assert [step for step, _ in course.notes.checkpoints] == [2, 3]
    for step, folder in course.notes.checkpoints:
        assert folder.name == f"checkpoint-{step}"
        assert (folder / "model.safetensors").exists()
        assert (folder / "optimizer.pt").exists()


def test_training_is_the_same_for_the_same_seed_and_salt(course, tmp_path):
    again = Course(tmp_path, "train.max_steps=3", "method.max_completion_length=96")
    texts = [[one.completion for one in batch] for _, batch in again.notes.batches]
    assert texts == [[one.completion for one in batch] for _, batch in course.notes.batches]


def test_a_card_that_is_lost_by_us_does_not_break_a_step(tmp_path):
    course = Course(tmp_path, "train.max_steps=1", "method.max_completion_length=96", lose=True)
    ((_, batch),) = course.notes.batches
    ours = [one for one in batch if one.card.infrastructure_error]
    assert len(ours) == 1
    assert set(ours[0].rewards.values()) == {None}
    ((_, figures),) = course.notes.steps
    values = [one.rewards["format"] for one in batch if one.rewards["format"] is not None]
    assert figures["rewards/format/mean"] == pytest.approx(sum(values) / len(values), abs=1e-5)
    assert all((value == value).all() for value in course.trained.model.state_dict().values()), "NaN in the weights"


def test_accumulated_batches_are_sampled_and_played_at_once(tmp_path):
    course = Course(tmp_path, "train.max_steps=1", "train.gradient_accumulation_steps=2")
    assert len(course.rows) == 2
    assert [len(batch) for _, batch in course.notes.batches] == [8]
    assert [step for step, _ in course.notes.steps] == [1]


LONG = ["train.max_steps=4", "method.max_completion_length=96"]
RLOO = ["method.name=rloo", "method.loss_type=null", "method.beta=null", "method.entropy_coef=0", "method.tail_coef=0"]


def figures_of(course, step):
    ((_, figures),) = [one for one in course.notes.steps if one[0] == step]
    # What the clock and the loading of the model decide over.
    return {name: value for name, value in figures.items() if name not in ("seconds", "step_time", "num_tokens")}


@pytest.mark.parametrize("method", [["method.num_iterations=2"], RLOO])
def test_a_resumed_run_ends_bit_for_bit_as_the_unbroken_one(tmp_path, method):
    settings = [*LONG, *method]
    unbroken = Course(tmp_path / "unbroken", *settings)
    step, checkpoint = unbroken.notes.checkpoints[0]
    resumed = Course(tmp_path / "resumed", *settings, resume_from=checkpoint)
    assert step == 2
    assert [step for step, _ in resumed.notes.steps] == [3, 4]
    first, second = (course.trained.model.state_dict() for course in (unbroken, resumed))
    assert all((first[name] == second[name]).all() for name in first)
    for step in (3, 4):
        assert figures_of(resumed, step) == figures_of(unbroken, step)


def test_rloo_plays_the_same_rows_by_the_same_judge(tmp_path):
    course = Course(tmp_path, *RLOO, "train.max_steps=1", *LONG[1:])
    ((step, batch),) = course.notes.batches
    assert (step, len(batch)) == (1, 4)
    assert {a.indices for a in course.players.calls[0]} == {course.rows[0].seeds}
    ((_, figures),) = course.notes.steps
    assert figures["reward"] == pytest.approx(sum(one.total for one in batch) / 4, abs=1e-5)
    assert figures | step_figures(batch) == figures
    after = course.trained.model.state_dict()
    assert any((after[name] != course.before[name]).any() for name in after)


def test_settings_of_rloo():
    from envrl.trainers import rloo

    made = rloo._arguments(config(*RLOO), Path("unused"), "cpu", [1.0])
    assert (made.beta, made.num_generations, made.normalize_advantages) == (0.05, 64, False)
    batch = config(*RLOO, "method.scale_rewards=batch")
    assert rloo._arguments(batch, Path("unused"), "cpu", [1.0]).normalize_advantages is True


def test_a_reward_model_adds_its_scores(tmp_path):
    scoring = load_model(ModelConfig(path="tiny"), "cpu", 5, scores=True)
    scoring.model.save_pretrained(tmp_path / "scores")
    scoring.tokenizer.save_pretrained(tmp_path / "scores")
    course = Course(tmp_path / "run", "train.max_steps=1", *LONG[1:], f"method.reward_model={tmp_path / 'scores'}")
    ((_, batch),) = course.notes.batches
    ((_, figures),) = course.notes.steps
    of_play = sum(one.total for one in batch) / 4
    assert figures["rewards/scores/mean"] != 0
    assert figures["reward"] == pytest.approx(of_play + figures["rewards/scores/mean"], abs=1e-5)


def test_a_server_of_rewards_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="envrl asks no server for scores yet"):
        Course(tmp_path, "method.reward_model=http://here", "method.reward_model_type=api")
