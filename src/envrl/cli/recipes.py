"""``envrl recipes``"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("recipes")
@click.option("--task", help="Only recipes of this environment or stage, such as 2048 or dpo.")
@click.option(
    "--memory", type=click.FloatRange(min=0, min_open=True), metavar="GIB", help="Only what fits into so much."
)
def command(task: str | None, memory: float | None) -> None:
    """List recipes: task, model, its size, and about how much memory the run needs.

    Start one with 'envrl train --recipe NAME'; add --dry-run to see its plan first.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envrl.workflow.recipes import list_recipes, matching

    recipes = matching(list_recipes(), task, memory)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("recipe", no_wrap=True)
    for name in ("task", "model", "size", "memory", "reads"):
        table.add_column(name)
    for recipe in recipes:
        table.add_row(
            recipe.name,
            recipe.task,
            Text(recipe.config.model.path, overflow="fold"),
            recipe.size,
            f"{recipe.memory.total / 2**30:.1f} GiB" if recipe.memory else "unknown",
            recipe.modality,
        )
    console = Console()
    if not recipes:
        console.print("no recipe answers to that: envrl recipes lists all", highlight=False)
        return
    console.print(table)
    console.print("memory is an estimate without the libraries' own (docs/recipes.md says what it counts)", style="dim")
