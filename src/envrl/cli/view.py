"""``envrl view``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("view")
@click.argument("folders", metavar="[FOLDER …]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 is any that is free.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
def command(folders: tuple[Path, ...], port: int, host: str) -> None:
    """Browse runs, programs and replays in a browser, at an address of this machine."""
    from envrl.workflow.run_list import default_folders
    from envrl.workflow.viewer import is_loopback, open_viewer

    with open_viewer(folders or default_folders(), host, port) as viewer:
        if not is_loopback(host):
            click.secho(
                f"warning: {host} is not this machine alone: whoever reaches it can read all of this, and have "
                "programs played again; there is no password",
                fg="yellow",
                err=True,
            )
        click.echo(f"{viewer.url}  (Ctrl-C ends it)")
        try:
            viewer.serve_forever()
        except KeyboardInterrupt:
            click.echo("ended")
