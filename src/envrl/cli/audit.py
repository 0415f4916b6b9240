"""``envrl audit``"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from envrl.audit import Audit, Finding, Row
    from envrl.audit.run import Progress
    from envrl.cli.display import Display

__all__ = ["command"]

_LOG_WIDTH = 180  # of tables where there is no terminal whose width they would have to keep


@click.command("audit")
@click.option("--env", default="2048", show_default=True, help="Environment that the programs are played on.")
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Only this class of programs; may be repeated.")
@click.option("--seeds", default=2, show_default=True, type=click.IntRange(min=1), help="Seeds of each program.")
@click.option("--by-layer", is_flag=True, help="Also under fewer layers: a table of what each wall holds.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="JSON file for every finding.")
def command(env: str, classes: tuple[str, ...], seeds: int, by_layer: bool, output: Path | None) -> None:
    """Play a zoo of hostile programs on an environment: what stops them, what they gain, what they touch.

    Exits with code 1 where a program gains or touches anything with all layers on, or a harmless one is stopped.
    """
    import msgspec
    from rich.console import Console

    from envrl.audit import audit, audit_by_layer
    from envrl.cli.display import Display
    from envrl.envs import find_task
    from envrl.errors import RunError
    from envrl.runs import write_json

    task = find_task(env)
    if output is not None and not output.parent.is_dir():
        raise RunError(f"{output}: its folder does not exist")
    console = Console()
    if not console.is_terminal:
        console = Console(width=_LOG_WIDTH)
    rows: list[Row] = []
    with Display(console) as display:
        told = _told(display)
        if by_layer:
            rows = audit_by_layer(task, partial(_begin, display), classes=classes or None, seeds=seeds, progress=told)
            found = rows[0].audit
            assert found is not None
        else:
            found = audit(task, classes=classes or None, seeds=seeds, progress=told)
    if output is not None:
        write_json(output, msgspec.to_builtins(rows or found))
    _print(console, found)
    if rows:
        _print_rows(console, rows)
    if not found.clean:
        raise SystemExit(1)


def _begin(display: Display, name: str) -> None:
    display.close()
    display.say(f"under {name}:")


def _told(display: Display) -> Progress:
    counts = Counter[str]()

    def progress(name: str, done: int, total: int) -> None:
        if done == 0:
            counts[name] = 0
            display.phase(name, total)
        else:
            display.advance(done - counts[name])
            counts[name] = done

    return progress


def _print(console: Console, found: Audit) -> None:
    from rich.text import Text

    from envrl.sandbox import active_layers

    console.print(_table(found))
    notable = {(f.kind, f.name): f for f in (*found.gained, *found.touched, *found.unjudged)}
    for finding in notable.values():
        console.print(Text(_in_full(finding), style="red"), soft_wrap=True)
    for finding in found.false_alarms:
        console.print(Text(f"false alarm: {_in_full(finding)}", style="red"), soft_wrap=True)
    for kind, touched in found.unattributed.items():
        console.print(
            Text(f"touched by class {kind}, by none of its programs alone: {_words(touched)}", style="red"),
            soft_wrap=True,
        )
    console.print(Text(f"layers in force: {', '.join(active_layers(found.layers))}"), soft_wrap=True)
    for layer, reason in found.layers.items():
        if reason:
            console.print(Text(f"not in force: {layer} ({reason})", style="yellow"), soft_wrap=True)
    console.print(Text(_sentence(found), style="green" if found.clean else "bold red"), soft_wrap=True)


def _table(found: Audit) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("class", "programs", "stopped by", "outcomes", "reward (twin)", "gains", "touches"):
        table.add_column(name, justify="right" if name in ("programs", "reward (twin)", "gains", "touches") else "left")
    for kind in dict.fromkeys(finding.kind for finding in found.findings):
        members = [finding for finding in found.findings if finding.kind == kind]
        rewards = [finding.reward for finding in members if finding.reward is not None]
        table.add_row(
            kind,
            str(len(members)),
            _counts(finding.stopped_by for finding in members),
            _counts(str(finding.outcome) for finding in members),
            f"{max(rewards):.3f} ({members[0].twin:.3f})" if rewards else f"none ({members[0].twin:.3f})",
            str(sum(finding.gained for finding in members)),
            str(sum(bool(finding.touched) for finding in members)),
        )
    return table


def _counts(words: Iterable[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common())


def _in_full(finding: Finding) -> str:
    from envrl.evaluation.escape import one_line

    reward = "none" if finding.reward is None else f"{finding.reward:.6g}"
    lines = [
        f"{finding.kind}/{finding.name}: {finding.what}",
        f"   outcome {finding.outcome} ({', '.join(f'{k} {n}' for k, n in finding.outcomes.items())}), "
        f"stopped by: {finding.stopped_by}, reward {reward} (twin {finding.twin:.6g})"
        + (", GAINED" if finding.gained else ""),
    ]
    if finding.touched:
        lines.append(f"   TOUCHED: {_words(finding.touched)}")
    if finding.detail:
        lines.append(f"   {one_line(finding.detail)}")
    return "\n".join(lines)


def _words(touched: Iterable[str]) -> str:
    from envrl.evaluation.escape import one_line

    return one_line("; ".join(touched), 500)


def _sentence(found: Audit) -> str:
    programs = f"{len(found.findings)} hostile programs on {found.task}, {len(found.seeds)} seeds each"
    if found.clean:
        return (
            f"{programs}: none gained, none touched anything, and none of {len(found.benign)} harmless programs was "
            f"stopped ({found.seconds:.0f} s)."
        )
    parts = {
        "gained": len(found.gained),
        "touched something": len(found.touched),
        "could not be judged": len(found.unjudged),
        "classes touched something that no single program did": len(found.unattributed),
        "harmless programs were stopped": len(found.false_alarms),
    }
    said = ", ".join(f"{count} {what}" for what, count in parts.items() if count)
    return f"{programs}: {said} ({found.seconds:.0f} s)."


def _print_rows(console: Console, rows: list[Row]) -> None:
    from rich.table import Table

    from envrl.audit.layers import HEADER, cells, markdown

    table = Table(*HEADER, box=None, padding=(0, 2, 0, 0), header_style="bold")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)
    console.print(f"\nThe same as Markdown:\n\n{markdown(rows)}", markup=False, highlight=False, soft_wrap=True)
