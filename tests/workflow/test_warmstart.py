"""The warm start: what wins often is left out, and the same recipe makes the same model."""

from __future__ import annotations

import msgspec
import pytest

from envrl.config import ModelConfig
from envrl.envs import Example, find_task
from envrl.errors import ModelError
from envrl.models import load_model
from envrl.models.tiny.recipe import Recipe
from envrl.outcomes import Outcome
from envrl.rollouts import Arena, Episode, Scorecard
from envrl.runs import file_hash, read_json
from envrl.workflow.recipes import recipe_for, recipes_folder
from envrl.workflow.warmstart import make_corpus, warm_start

from .conftest import Collected

SMALL = Recipe(
    hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
    intermediate_size=48, vocab_size=400, examples=60, filter_episodes=3, filter_again_episodes=4, max_steps=3,
    batch_size=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def task():
    return find_task("2048", {"horizon": 60, "target": 128})


@pytest.fixture(scope="module")
def made(task, tmp_path_factory):
    output = tmp_path_factory.mktemp("warm") / "model"
    watcher = Collected()
    return output, warm_start(task, output, SMALL, workers=1, watcher=watcher), watcher


def test_the_same_recipe_makes_the_same_model(task, made, tmp_path):
    first, corpus, _ = made
    again = warm_start(task, tmp_path / "again", SMALL, workers=2)
    assert again == corpus
    assert (tmp_path / "again" / "recipe.json").read_bytes() == (first / "recipe.json").read_bytes()
    for name in ("model.safetensors", "tokenizer.json"):
        assert file_hash(tmp_path / "again" / name) == file_hash(first / name)


def test_the_recipe_is_written_beside_the_model(task, made):
    output, corpus, _ = made
    written = read_json(output / "recipe.json")
    assert msgspec.convert(written["recipe"], Recipe) == SMALL
    assert written["recipe_hash"] == SMALL.hash != Recipe().hash
    assert (written["task"], written["task_version"], written["prompt"]) == (task.id, task.version, task.prompt("tiny"))
    assert written["weights_sha256"] == file_hash(output / "model.safetensors")
    assert written["tokenizer_sha256"] == file_hash(output / "tokenizer.json")
    assert written["corpus"]["programs"] == len(corpus.sources) == 60 - corpus.left_out


def test_what_was_made_can_be_loaded(made):
    loaded = load_model(ModelConfig(path=str(made[0])), "cpu")
    assert loaded.model.config.hidden_size == 32
    assert loaded.tokenizer.chat_template


def test_the_watcher_sees_the_loss(made):
    names = [name for name, _ in made[2].phases]
    assert names == ["filtering the corpus", "filtering again those that win some", "fine-tuning"]
    assert made[2].done["fine-tuning"] == 3
    assert all(figures["loss"] > 0 for figures in made[2].figures)


RECIPE_OF_TENS = Recipe(filter_episodes=10, filter_again_episodes=10)


class Games:
    """Plays as it is told: programs by their share of wins, in the first filter and in the second."""

    def __init__(self, *shares):
        self.shares = list(shares)
        self.seeds = []

    def play(self, assignments, progress=None):
        table = self.shares.pop(0)
        self.seeds.append({seed for a in assignments for seed in a.seeds})
        cards = []
        for a in assignments:
            won = round(table.get(a.source, 0.0) * len(a.indices))
            episodes = tuple(
                Episode(index=i, outcome=Outcome.SUCCESS if i < won else Outcome.FAILURE) for i in a.indices
            )
            cards.append(Scorecard(source=a.source, program_hash=a.source, episodes=episodes))
        return cards


class FakeTask:
    id, version = "envrl/2048-v0", 0

    def __init__(self, *made):
        self.made = [Example(source, spoiled) for source, spoiled in made]

    def examples(self, count, seed):
        return self.made


def test_what_wins_often_is_left_out_and_what_is_spoiled_stays():
    task = FakeTask(("a", False), ("b", False), ("bad", True), ("c", False), ("d", False), ("a", False))
    games = Games({"a": 0.0, "b": 0.5, "c": 0.25, "d": 0.25}, {"c": 0.3, "d": 0.6})
    corpus = make_corpus(task, games, Recipe(filter_episodes=20, filter_again_episodes=20))
    # b wins too often at once, d only when it is looked at again.
    assert corpus.sources == ["a", "bad", "c", "a"]
    assert corpus.left_out == 2
    assert corpus.best == 0.3
    assert corpus.mean == pytest.approx(0.1), "a program counts as often as it stands in the corpus"
    first, second = games.seeds
    assert not first & second, "the second filter must not repeat the luck of the first"


def test_a_spoiled_program_that_wins_often_is_left_out_too():
    task = FakeTask(("a", False), ("bad", True))
    corpus = make_corpus(task, Games({"a": 0.0, "bad": 0.6}, {}), RECIPE_OF_TENS)
    assert corpus.sources == ["a"]


def test_a_program_that_wins_exactly_the_most_stays():
    corpus = make_corpus(FakeTask(("a", False)), Games({"a": 0.4}, {"a": 0.4}), RECIPE_OF_TENS)
    assert corpus.sources == ["a"]


def test_a_task_without_examples_has_no_warm_start(tmp_path):
    task = find_task("2048", {}, "none")
    with Arena(task, workers=1) as arena, pytest.raises(ModelError, match="toolkit must be 'full'"):
        make_corpus(task, arena, SMALL)


def test_every_short_name_has_a_recipe():
    assert recipe_for("2048") == recipe_for("envrl/2048-256-v0") == recipes_folder() / "2048" / "tiny-cpu.yaml"
