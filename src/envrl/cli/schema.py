"""``envrl schema``"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("schema")
@click.argument("name", metavar="NAME")
def command(name: str) -> None:
    """Print the JSON schema of a file that envrl reads or writes.

    NAME is config (YAML of a run), report (report.json of a sweep, or of a run that plays), or data-report (report.json
    of a run that trains on data).
    """
    from envrl.workflow.schemas import schema_text

    click.echo(schema_text(name), nl=False)
