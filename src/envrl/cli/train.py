"""``envrl train``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("train")
@click.argument("config", required=False, type=click.Path(path_type=Path))
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--env", help="Environment, such as 2048; picks its recipe where no CONFIG is given.")
@click.option("--success", metavar="RULE", help="What counts as won, such as 'return >= 475'.")
@click.option("--model", help="tiny, a Hugging Face id, or a path.")
@click.option("--backend", type=click.Choice(["transformers", "unsloth"]), help="What loads and trains the model.")
@click.option("--generation", type=click.Choice(["transformers", "vllm"]), help="What samples in training.")
@click.option("--steps", type=click.IntRange(min=1), help="Optimiser steps.")
@click.option("--seed", type=int, help="Seed of sampling.")
@click.option("--name", help="Name of the run.")
@click.option("--resume", type=click.Path(path_type=Path), metavar="RUN", help="Go on with a run that was stopped.")
@click.option("--print-config", is_flag=True, help="Show the resolved configuration, with where each value came from.")
def command(
    config: Path | None,
    overrides: tuple[str, ...],
    env: str | None,
    success: str | None,
    model: str | None,
    backend: str | None,
    generation: str | None,
    steps: int | None,
    seed: int | None,
    name: str | None,
    resume: Path | None,
    print_config: bool,
) -> None:
    """Train a model on an environment, and measure it before and after.

    CONFIG is a YAML file; KEY=VALUE changes single settings, such as train.learning_rate=1e-4.
    """
    from envrl.cli.command_line import repeat_command
    from envrl.config import load_config
    from envrl.workflow.recipes import recipe_for

    if config is not None and "=" in str(config) and not config.exists():
        overrides, config = (str(config), *overrides), None
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
    changes = [f"{key}={value}" for key, value in options.items() if value is not None]
    if resume is not None:
        if config or overrides or changes:
            raise click.UsageError("--resume goes on with a run as it is: give no other settings with it")
        _show(resume=resume)
        return
    resolved = load_config(config or recipe_for(env, success), [*overrides, *changes])
    if print_config:
        click.echo(resolved.to_yaml(), nl=False)
        return
    _show(resolved=resolved, repeat=repeat_command())


def _show(resolved=None, repeat: str = "", resume: Path | None = None) -> None:  # type: ignore[no-untyped-def]
    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.workflow import train as workflow

    console = Console()
    with Display(console) as display:
        trained = workflow.resume(resume, display) if resume else workflow.train(resolved, repeat, display)
    from envrl.evaluation.report.terminal import render_terminal

    console.print(render_terminal(trained.report, str(trained.run.report_html_path)))
