"""``envrl doctor``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["command"]


@click.command("doctor")
@click.option("--sandbox", is_flag=True, help="Try to break out of each layer of the sandbox, and say what came of it.")
def command(sandbox: bool) -> None:
    """Say what this machine offers: versions, devices, sandbox layers; and what is wrong, with the line that mends it.

    Exits with code 1 where something is wrong; with --sandbox, where programs may not be run.
    """
    from rich.console import Console

    console = Console()
    if not (_sandbox(console) if sandbox else _machine(console)):
        raise SystemExit(1)


def _machine(console: Console) -> bool:
    from rich.table import Table
    from rich.text import Text

    from envrl.workflow.doctor import diagnose

    diagnosis = diagnose()
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
    console.print("each layer tried out: envrl doctor --sandbox", style="dim")
    for problem in diagnosis.problems:
        console.print(Text(f"problem: {problem.what}\n   mend: {problem.mend}", style="red"))
    if diagnosis.problems:
        return False
    console.print("nothing is wrong", style="green")
    return True


_STYLES = {"active": "green", "always": "green", "does not hold": "bold red"}


def _sandbox(console: Console) -> bool:
    from rich.table import Table
    from rich.text import Text

    from envrl.workflow.doctor import diagnose_sandbox

    diagnosis = diagnose_sandbox()
    table = Table("layer", "state")
    table.add_column("tried", overflow="fold")
    table.add_column("what came of it", overflow="fold")
    for proof in diagnosis.proofs:
        style = _STYLES.get(proof.state, "yellow")
        table.add_row(proof.layer, Text(proof.state, style=style), Text(proof.tried), Text(proof.seen))
    if diagnosis.proofs:
        console.print(table)
    for proof in diagnosis.proofs:
        if proof.reason:
            console.print(Text(f"{proof.layer} is {proof.state}: {proof.reason}"), soft_wrap=True)
        if proof.mend:
            console.print(Text(f"   mend: {proof.mend}"), soft_wrap=True)  # to be copied whole
    console.print(Text(diagnosis.verdict, style="green" if diagnosis.sound else "red"), soft_wrap=True)
    return diagnosis.sound
