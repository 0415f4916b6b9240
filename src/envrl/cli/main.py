"""The command line: one file a command; each parses, calls, prints."""

from __future__ import annotations

import importlib
import sys

import click

from envrl.errors import EnvrlError, nearest

__all__ = ["cli", "main"]

_COMMANDS = {
    "train": "train a model on an environment, and measure it before and after",
    "eval": "measure programs, a model or a run over many seeds",
    "report": "rebuild the report of a run or a sweep",
    "compare": "compare sweeps, runs and programs on the seeds that they share",
    "diff": "show in what two runs differ",
    "play": "watch a program play an episode, or play it yourself",
    "replay": "play a recorded episode again, and say whether it is exact",
    "runs": "list runs and sweeps, and what they found",
    "view": "browse runs, programs and replays in a browser",
    "recipes": "list recipes by task, model and memory",
    "envs": "list environments, or show one",
    "init": "write a small package with an environment of your own",
    "check": "check an environment, and say what is wrong with it",
    "warmstart": "make the tiny model's warm start",
    "reward": "try rewards on saved completions, without training",
    "pairs": "turn scored completions into preference pairs",
    "data": "prepare a data set, or check one",
    "schema": "print the JSON schema of a configuration, or of a report",
    "audit": "play hostile programs on an environment, and see what stops them",
    "doctor": "say what this machine offers, and what is wrong with it",
}


class _Lazy(click.Group):
    """Commands are imported when they are called: ``--help`` of the whole stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"envrl.cli.{name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in _COMMANDS:
            close = nearest(args[0], _COMMANDS)
            ctx.fail(
                f"no command {args[0]!r}"
                + (f": did you mean {close[0]}?" if close else f": choose from {', '.join(_COMMANDS)}")
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="envrl", prog_name="envrl")
def cli() -> None:
    """Language models write programs; envrl plays them, confined, on seeded episodes, and trains on what happened."""


def main() -> None:
    """The console script: an error that a user can mend is one message and exit code 2."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nstopped", err=True)
        sys.exit(130)
    except EnvrlError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
