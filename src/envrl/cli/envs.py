"""``envrl envs``"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("envs")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """List environments, or show one: its task, its prompt, its limits, and how strong known strategies are."""
    from rich.console import Console
    from rich.table import Table

    from envrl.envs import environment_ids, find_task

    console = Console()
    if name is None:
        table = Table("id", "name", "task", box=None, padding=(0, 2, 0, 0))
        seen: set[str] = set()
        for env_id in environment_ids():
            task = find_task(env_id)
            table.add_row(env_id, "" if task.short in seen else task.short, task.title)
            seen.add(task.short)
        console.print(table)
        return
    from envrl.evaluation.baselines import strengths

    task = find_task(name)
    console.print(f"{task.id}  (version {task.version})", style="bold", highlight=False)
    console.print(task.title, highlight=False)
    console.print(f"success: {task.success}\n", highlight=False)
    console.print(task.prompt("chat"), markup=False, highlight=False)
    limits = task.limits
    console.print(
        f"\nlimits: {limits.call_cpu:g} s of CPU a call, {limits.game_cpu:g} s a game, "
        f"{limits.memory / 2**20:.0f} MiB, {limits.output / 2**10:.0f} KiB of output",
        highlight=False,
    )
    for note in task.notes:
        console.print(f"note: {note}", highlight=False)
    if known := strengths(task):
        table = Table("strategy", "success", "95 %", "progress", "moves", "seeds", box=None, padding=(0, 2, 0, 0))
        for row in known:
            low, rate, high = row.success
            table.add_row(
                row.strategy,
                f"{rate:.1%}",
                f"{low:.1%} to {high:.1%}",
                f"{row.progress:.2f}",
                f"{row.steps:.0f}",
                f"{row.block} {row.seeds}",
            )
        console.print("\nmeasured:", highlight=False)
        console.print(table)
