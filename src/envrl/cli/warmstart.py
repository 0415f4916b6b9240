"""``envrl warmstart``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("warmstart")
@click.option("--env", default="2048", show_default=True, help="Environment whose programs the model learns to write.")
@click.option("--output", type=click.Path(path_type=Path), help="Folder for the model; the package's own by default.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps of fine-tuning, if not the recipe's.")
@click.option("--examples", type=click.IntRange(min=1), help="Programs of the corpus, if not the recipe's.")
@click.option("--seed", type=int, help="Seed, if not the recipe's.")
@click.option("--workers", type=click.IntRange(min=1), help="Referee processes; one a core by default.")
def command(
    env: str,
    output: Path | None,
    steps: int | None,
    examples: int | None,
    seed: int | None,
    workers: int | None,
) -> None:
    """Make the tiny model's warm start: corpus, filter, tokenizer, fine-tuning. The same for the same recipe."""
    import msgspec
    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.envs import find_task
    from envrl.models import model_path, require_training
    from envrl.models.tiny.recipe import Recipe
    from envrl.workflow.warmstart import warm_start

    require_training()
    given: dict[str, Any] = {"max_steps": steps, "examples": examples, "seed": seed}
    recipe = msgspec.structs.replace(Recipe(), **{key: value for key, value in given.items() if value is not None})
    output = output or Path(model_path("tiny"))
    console = Console()
    with Display(console) as display:
        corpus = warm_start(find_task(env), output, recipe, workers, display)
    console.print(
        f"{len(corpus.sources)} programs ({corpus.left_out} left out, which won more than {recipe.most_wins:.0%}); "
        f"the best of the corpus won {corpus.best:.1%} of the filter's games, the mean {corpus.mean:.1%}",
        highlight=False,
    )
    console.print(f"recipe {recipe.hash} · written to {output}", highlight=False, soft_wrap=True)
