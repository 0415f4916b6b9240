"""``envrl train``"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from envrl.config import Resolved
    from envrl.workflow.train import Job

__all__ = ["command", "show"]


@click.command("train", context_settings={"ignore_unknown_options": True})  # --learning_rate 1e-6 is an override
@click.argument("arguments", nargs=-1, metavar="[CONFIG] [KEY=VALUE]...")
@click.option("--env", help="Environment, such as 2048; picks its recipe where no CONFIG is given.")
@click.option("--success", metavar="RULE", help="What counts as won, such as 'return >= 475'.")
@click.option("--model", help="tiny, a Hugging Face id, or a path.")
@click.option("--backend", type=click.Choice(["transformers", "unsloth"]), help="What loads and trains the model.")
@click.option("--generation", type=click.Choice(["transformers", "vllm"]), help="What samples in training.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps.")
@click.option("--seed", type=int, help="Seed of sampling.")
@click.option("--name", help="Name of the run.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was stopped.")
@click.option(
    "--allow-drift",
    metavar="FIELD",
    multiple=True,
    help="What may have changed since a run began that is resumed, such as packages.torch.",
)
@click.option("--skip", metavar="PARTS", default="", help="Parts to leave out, such as smoke,best.")
@click.option("--force", is_flag=True, help="Go on where the first steps show that nothing would be learnt.")
@click.option("--recipe", help="Recipe by name, in place of CONFIG; 'envrl recipes' lists them.")
@click.option("--dry-run", is_flag=True, help="Check and build everything but the model, show the plan, and stop.")
@click.option(
    "--nproc",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that train together, each on a GPU of its own or on a part of the cores.",
)
@click.option("--print-config", is_flag=True, help="Show the resolved configuration, with where each value came from.")
def command(
    arguments: tuple[str, ...],
    env: str | None,
    success: str | None,
    model: str | None,
    backend: str | None,
    generation: str | None,
    steps: int | None,
    seed: int | None,
    name: str | None,
    resume: Path | None,
    allow_drift: tuple[str, ...],
    skip: str,
    force: bool,
    recipe: str | None,
    dry_run: bool,
    nproc: int | None,
    print_config: bool,
) -> None:
    """Train a model on an environment, and measure it before and after.

    CONFIG is a YAML file of envrl or of LLaMA-Factory; KEY=VALUE or --KEY VALUE changes single settings, such as
    train.learning_rate=1e-4 or --learning_rate 1e-4.
    """
    from envrl.cli.command_line import repeat_command
    from envrl.config import command_arguments, load_config
    from envrl.config.emit import emit_value

    own = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
    config, overrides = command_arguments(arguments, own)
    options = {
        "env.id": env,
        "env.success": success,
        "model.path": model,
        "model.backend": backend,
        "model.generation": generation,
        "train.max_steps": steps,
        "train.seed": seed,
        "output.name": name,
    }
    # As YAML that reads back as what was typed: 007 is a name, and # begins no comment.
    changes = [f"{key}={emit_value(value)}" for key, value in options.items() if value is not None]
    course = {"skip": tuple(filter(None, skip.split(","))), "force": force, "allow_drift": allow_drift}
    if resume is not None:
        if config is not None:
            raise click.UsageError("--resume goes on with a run under its own configuration: give no CONFIG with it")
        if dry_run or print_config:
            raise click.UsageError("--resume takes no --dry-run and no --print-config: leave them out")
        _start(lambda workflow: workflow.Job.resuming(resume, [*overrides, *changes], **course), nproc)
        return
    source, chosen, why = _recipe(config, recipe, env, success, model)
    resolved = load_config(source, [*chosen, *overrides, *changes])
    for warning in resolved.warnings:
        click.echo(f"warning: {warning}", err=True)
    if print_config:
        click.echo(resolved.to_yaml(), nl=False)
        return
    if nproc is not None and nproc > 1:
        from envrl.workflow.together import require_together

        require_together(resolved.config, skip.split(","), nproc)
    if dry_run or why:
        _plan(resolved, why, nproc or 1)
    if dry_run:
        return
    _start(lambda workflow: workflow.Job.training(resolved, repeat_command(), **course), nproc)


def _recipe(
    config: str | Path | None, recipe: str | None, env: str | None, success: str | None, model: str | None
) -> tuple[str | Path, Sequence[str], str]:
    """The file to train by, what changes in it, and why it was taken where nobody named one."""
    if config is not None:
        if recipe is not None:
            raise click.UsageError("CONFIG and --recipe both name what to train by: give one of them")
        return config, (), ""
    if recipe is not None:
        from envrl.workflow.recipes import find_recipe

        return find_recipe(recipe), (), ""
    from envrl.workflow.choice import choose_recipe, device_memory

    choice = choose_recipe(env, success, model, memory=device_memory())
    return choice.path, choice.overrides, choice.why


def _plan(resolved: Resolved, why: str, processes: int) -> None:
    """Shows what a run would do."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envrl.workflow.plan import dry_run

    found = dry_run(resolved)
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    together = {"processes": f"{processes}, each with batches of this size"} if processes > 1 else {}
    for name, value in (({"recipe": why} if why else {}) | found.plan | together | found.estimates).items():
        table.add_row(name, Text(value))
    console.print(table)
    for label, style, lines in (
        ("would download", "cyan", found.downloads),
        ("lacking here", "yellow", found.lacking),
        ("note", "dim", found.notes),
    ):
        for line in lines:
            console.print(Text(f"{label}: {line}", style=style), soft_wrap=True)


def _start(make: Callable[[Any], Job], count: int | None) -> None:
    """Does a run in this process, or has several do it.

    Args:
        make: makes the job, given the module that knows how.
        count: of processes; None is as many as the run began with.
    """
    from envrl.workflow import train as workflow

    job = make(workflow)
    if count is None:
        count = job.processes
    if count == 1:
        show(job)
        return
    from envrl.workflow.launching import launch
    from envrl.workflow.together import require_together

    config = job.resolved.config
    require_together(config, job.skip, count)
    launch(job, count, (sys.executable, "-m", "envrl.cli.rank"), config.train.torch_threads)


def show(job: Job) -> None:
    """Does a run, shows how it goes, and its report."""
    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.workflow.train import work

    console = Console()
    with Display(console) as display:
        trained = work(job, display)
    if trained is not None:
        console.print(trained.terminal())
