"""``envrl doctor``"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("doctor")
def command() -> None:
    """Say what this machine offers: versions, devices, sandbox layers; and what is wrong, with the line that mends it.

    Exits with code 1 where something is wrong.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from envrl.workflow.doctor import diagnose

    diagnosis = diagnose()
    console = Console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in diagnosis.machine.items():
        table.add_row(name, Text(value))
    for device in diagnosis.devices:
        table.add_row("device", Text(device))
    for name, version in diagnosis.versions.items():
        table.add_row(name, Text(version or "not installed", style="" if version else "dim"))
    for layer, reason in diagnosis.layers.items():
        state = Text("in force", style="green") if not reason else Text(f"not in force ({reason})", style="yellow")
        table.add_row(f"sandbox {layer}", state)
    console.print(table)
    for problem in diagnosis.problems:
        console.print(Text(f"problem: {problem.what}\n   mend: {problem.mend}", style="red"))
    if diagnosis.problems:
        raise SystemExit(1)
    console.print("nothing is wrong", style="green")
