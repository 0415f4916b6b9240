"""``envrl init``"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("init")
@click.argument("name")
def command(name: str) -> None:
    """Write a small package NAME with an environment that works, to be made into one's own."""
    from envrl.workflow.init import init

    for path in init(name):
        click.echo(f"wrote {path}")
    click.echo(f"\nnext: pip install -e {name}\n      envrl check {name}\n      envrl train --env {name}")
