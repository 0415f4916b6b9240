"""The recipes, and which of them a machine gets."""

from __future__ import annotations

import pytest

from envrl.errors import ConfigError, UnknownNameError
from envrl.workflow.choice import choose_recipe, device_memory
from envrl.workflow.estimate import fits
from envrl.workflow.recipes import find_recipe, list_recipes, matching, open_recipe, recipe_for, recipes_folder

GIB = 2**30
NOTEBOOKS = {  # what stands in the notebooks: rank, alpha, learning rate, group, passes or steps
    "2048/gpt-oss-20b": (4, 8, 5e-5, 2, 1000),
    "sudoku/ministral-3-3b": (32, 64, 5e-5, 4, 200),
    "sudoku/gemma-4-e2b": (32, 64, 5e-5, 2, 60),
    "math/llama-3.1-8b": (32, 32, 5e-6, 6, 250),
    "math/llama-3.2-3b": (64, 64, 5e-6, 4, 500),
    "math/qwen3-4b": (32, 64, 5e-6, 4, 100),
    "math/qwen3-8b-fp8": (32, 64, 5e-6, 4, 100),
    "dpo/zephyr-7b": (64, 64, 5e-6, None, 3),
    "orpo/llama-3-8b": (16, 16, 8e-6, None, 30),
}


@pytest.fixture(scope="module")
def recipes():
    return {recipe.name: recipe for recipe in list_recipes()}


def everything(name):
    return True


def nothing(name):
    return False


def test_every_recipe_is_listed_with_what_it_needs(recipes):
    assert set(recipes) == {
        path.relative_to(recipes_folder()).with_suffix("").as_posix() for path in recipes_folder().rglob("*.yaml")
    }
    for recipe in recipes.values():
        assert recipe.title, recipe.name
        assert recipe.memory is not None, recipe.name
        assert recipe.resolved.warnings == (), recipe.name


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_a_recipe_with_its_numbers(recipes, name):
    recipe = recipes[name]
    rank, alpha, rate, group, length = NOTEBOOKS[name]
    config = recipe.config
    assert (config.model.lora.r, config.model.lora.alpha) == (rank, alpha)
    assert config.train.learning_rate == rate
    assert group is None or config.method.num_generations == group
    assert length in (config.train.max_steps, config.train.epochs)
    assert config.model.backend == "unsloth"
    head = recipe.path.read_text().partition("\n\n")[0]
    assert 'after the notebook "' in head
    assert "What differs" in head
    assert f"envrl train configs/{name}.yaml" in head


def test_a_recipe_is_found_by_its_name_or_by_its_end():
    assert find_recipe("2048/gpt-oss-20b") == find_recipe("gpt-oss-20b") == find_recipe("gpt-oss-20b.yaml")
    with pytest.raises(UnknownNameError, match="gpt-oss-20b"):
        find_recipe("gpt-oss-2b")
    with pytest.raises(UnknownNameError, match="tiny-cpu"):  # there are several
        find_recipe("tiny-cpu")


def test_recipes_are_told_apart_by_task_and_memory(recipes):
    listed = list(recipes.values())
    assert {r.name for r in matching(listed, "sudoku", None)} == {"sudoku/ministral-3-3b", "sudoku/gemma-4-e2b"}
    assert {r.name for r in matching(listed, "dpo", None)} == {"dpo/zephyr-7b", "tiny/dpo", "2048/dpo-from-play"}
    small = matching(listed, None, 1.0)
    assert small
    assert not any(recipe.needs_gpu for recipe in small)
    assert matching(listed, "no-such-task", None) == []


def test_without_a_gpu_it_is_the_tiny_model():
    choice = choose_recipe("2048", memory=None)
    assert choice.path == recipe_for("2048")
    assert choice.overrides == ()
    assert "no GPU" in choice.why


def test_with_a_gpu_it_is_the_largest_that_fits():
    choice = choose_recipe("2048", memory=40 * GIB, installed=everything)
    assert choice.path == find_recipe("gpt-oss-20b")
    assert choice.overrides == ()
    assert "largest recipe of 2048 that fits" in choice.why
    assert choose_recipe("math", memory=40 * GIB, installed=everything).path == find_recipe("qwen3-8b-fp8")


def test_what_does_not_fit_is_passed_over_and_said(recipes):
    memory = recipes["math/llama-3.1-8b"].memory.total * 1.5
    choice = choose_recipe("math", memory=memory, installed=everything)
    chosen = open_recipe(choice.path, choice.overrides)
    assert fits(chosen.memory, chosen.config, memory)
    assert chosen.shape.parameters < recipes["math/qwen3-8b-fp8"].shape.parameters
    assert "math/qwen3-8b-fp8 needs about" in choice.why


def test_where_none_fits_it_is_the_tiny_model():
    choice = choose_recipe("2048", memory=1 * GIB, installed=everything)
    assert choice.path == recipe_for("2048")
    assert "2048/gpt-oss-20b needs about" in choice.why


def test_without_the_libraries_it_is_plain_transformers():
    choice = choose_recipe("math", memory=79 * GIB, installed=nothing)
    config = open_recipe(choice.path, choice.overrides).config
    assert (config.model.backend, config.model.generation) == ("transformers", "transformers")
    assert not config.model.load_in_4bit
    assert config.train.optim == "adamw_torch"
    assert "qwen3-8b-fp8 needs unsloth" in choice.why
    assert "without unsloth and vllm and bitsandbytes" in choice.why


def test_an_environment_without_a_large_recipe_says_so():
    choice = choose_recipe("FrozenLake-v1", memory=79 * GIB, installed=everything)
    assert choice.path == recipe_for("FrozenLake-v1")
    assert "no recipe for a GPU" in choice.why


def test_a_model_that_is_named_overrules():
    assert choose_recipe("2048", model="tiny", memory=79 * GIB).path == recipe_for("2048")
    named = choose_recipe("2048", model="unsloth/gpt-oss-20b", memory=None, installed=everything)
    assert named.path == find_recipe("gpt-oss-20b")
    other = choose_recipe("2048", model="Qwen/Qwen3-0.6B", memory=79 * GIB)
    assert other.path == recipe_for("2048")
    assert "Qwen/Qwen3-0.6B, as asked" in other.why


def test_something_must_be_named():
    with pytest.raises(ConfigError, match="nothing to train on"):
        choose_recipe(None)


def test_this_machine_has_as_much_as_torch_says():
    import torch

    assert (device_memory() is None) == (not torch.cuda.is_available())
