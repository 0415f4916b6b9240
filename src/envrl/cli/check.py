"""``envrl check``"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from envrl.workflow.check import Checked

__all__ = ["command"]

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "not run": "dim"}
_LONGEST = 400  # of what an environment may say in a line


@click.command("check")
@click.argument("env")
@click.option("--success", metavar="RULE", help="What counts as won, such as 'return >= 475', if ENV does not say it.")
@click.option("--full", is_flag=True, help="Play every hostile program, not a few: takes minutes.")
def command(env: str, success: str | None, full: bool) -> None:
    """Check an environment: Gymnasium's rules, seeds, rewards, baselines, hostile programs; a verdict a line.

    ENV is an id, a short name, or a file with a name in it (path/to/file.py:name). Exits with code 1 where a check
    failed.
    """
    from rich.console import Console
    from rich.text import Text

    from envrl.workflow.check import check

    console = Console()
    counts: Counter[str] = Counter()
    for checked in check(env, success=success, full=full):
        counts[checked.verdict] += 1
        _print(console, checked)
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    console.print(Text(f"{env}: {said}", style=_STYLES["failed" if counts["failed"] else "ok"]), soft_wrap=True)
    if counts["failed"]:
        raise SystemExit(1)


def _print(console: Console, checked: Checked) -> None:
    from rich.text import Text

    from envrl.evaluation.escape import one_line

    console.print(
        Text(f"{checked.verdict:<8}", style=_STYLES[checked.verdict]),
        Text(f"{checked.check:<22}{one_line(checked.seen, _LONGEST)}"),
        soft_wrap=True,
    )
    if checked.mend:
        console.print(Text(f"{'':<9}mend: {checked.mend}"), soft_wrap=True)
