"""``envrl pairs``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("pairs")
@click.argument("subject", type=click.Path(path_type=Path))
@click.option(
    "--output", type=click.Path(path_type=Path), help="File for the rows; pairs.jsonl (kto.jsonl) by default."
)
@click.option("--replace", is_flag=True, help="Replace that file if it exists.")
@click.option("--kto", is_flag=True, help="Rows with a label in place of pairs.")
@click.option(
    "--by",
    type=click.Choice(["success", "score", "progress"]),
    default="success",
    show_default=True,
    help="What is compared of each game; --margin and --threshold count in it.",
)
@click.option(
    "--margin", type=click.FloatRange(min=0), default=0.2, show_default=True, help="Least difference of means."
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, max_open=True),
    default=0.95,
    show_default=True,
    help="How sure the test must be.",
)
@click.option(
    "--threshold", type=float, default=0.2, show_default=True, help="With --kto: desirable from this mean on."
)
@click.option("--per-prompt", type=click.IntRange(min=1), help="Most pairs of a prompt.")
@click.option(
    "--uses", type=click.IntRange(min=1), default=4, show_default=True, help="Most pairs that a completion stands in."
)
@click.option("--episodes", type=click.IntRange(min=1), help="Play every completion again, on so many common seeds.")
@click.option("--samples", type=click.IntRange(min=2), help="Of a CONFIG.yaml: completions its model writes first.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of sampling, and of the order of pairs.")
@click.option("--env", help="Of a file: what the completions play.")
@click.option("--set", "settings", multiple=True, metavar="KEY=NUMBER", help="Option of --env, such as target=512.")
@click.option("--contract", help="Of a file: how a program is taken out of a completion; chat by default.")
@click.option(
    "--workers", type=click.IntRange(min=1), help="Referee processes; by default those of CONFIG, or one a core."
)
@click.option("--require", multiple=True, metavar="LAYER", help="Sandbox layer without which nothing is played.")
def command(
    subject: Path,
    output: Path | None,
    replace: bool,
    kto: bool,
    by: str,
    margin: float,
    confidence: float,
    threshold: float,
    per_prompt: int | None,
    uses: int,
    episodes: int | None,
    samples: int | None,
    seed: int,
    env: str | None,
    settings: tuple[str, ...],
    contract: str | None,
    workers: int | None,
    require: tuple[str, ...],
) -> None:
    """Turn scored completions of one prompt into preference pairs, for dpo, orpo, simpo, reward or kto.

    SUBJECT is a run, a sweep, a file of completions (.jsonl), or a CONFIG.yaml whose model writes fresh ones
    (--samples) that then play (--episodes).
    """
    from rich.console import Console

    from envrl.cli.command_line import setting
    from envrl.cli.display import Display
    from envrl.config import load_config
    from envrl.data import PairRules
    from envrl.envs import find_task
    from envrl.workflow.pair_subjects import read_subject, sample_completions
    from envrl.workflow.pairs import check_output, completions_beside, make_pairs, write_pairs

    fresh = subject.suffix in (".yaml", ".yml")
    if fresh and (samples is None or episodes is None):
        raise click.UsageError("a configuration's model writes fresh completions: give --samples and --episodes")
    if samples is not None and not fresh:
        raise click.UsageError("--samples is for a CONFIG.yaml, whose model writes them")
    if (fresh or subject.is_dir()) and (env or settings or contract):
        raise click.UsageError(f"--env, --set and --contract are for a file of completions: {subject} says its own")
    if settings and not env:
        raise click.UsageError("--set is an option of --env: name the environment, too")
    task = find_task(env, dict(setting(text) for text in settings)) if env else None
    output = output or Path("kto.jsonl" if kto else "pairs.jsonl")
    check_output(output, replace=replace, played=episodes is not None)
    console = Console()
    with Display(console) as display:
        if fresh and samples is not None:
            resolved = load_config(subject)
            for warning in resolved.warnings:
                display.say(f"warning: {warning}")
            read = sample_completions(resolved.config, samples, seed, display, str(subject))
        else:
            read = read_subject(subject, task, contract)
        made = make_pairs(
            read,
            PairRules(margin, confidence, uses, per_prompt, seed=seed),
            kto=kto,
            threshold=threshold,
            by=by,  # type: ignore[arg-type]  # click has checked it
            episodes=episodes,
            workers=workers,
            require=require,
            keep=completions_beside(output),
            watcher=display,
        )
    write_pairs(made, output, replace=replace)
    _print(console, made, output)


def _print(console, made, output: Path) -> None:  # type: ignore[no-untyped-def]
    from rich.table import Table
    from rich.text import Text

    from envrl.data.significance import TEST

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("completions", f"{made.completions}, of which {made.usable} can stand in a row")
    if made.unknown:
        table.add_row("", f"{made.unknown} of them: not known whether they were cut off at the limit of their length")
    for reason, count in made.left_out.most_common():
        table.add_row("", f"{count} left out: {reason}")
    if made.kto:
        good = sum(row["label"] for row in made.rows)
        table.add_row("rows", Text(f"{good} desirable, {len(made.rows) - good} undesirable", style="bold"))
    else:
        table.add_row("pairs", Text(str(len(made.rows)), style="bold"))
        for reason, count in made.pairs_left_out.most_common():
            table.add_row("", f"{count:,} possible ones left out: {reason}")
        for side in ("chosen", "rejected"):
            mean = sum(row[f"{side}_success"] for row in made.rows) / len(made.rows)
            table.add_row(f"{side} won", f"{mean:.1%} of their games")
        table.add_row("test", f"{TEST}, at {made.rules.confidence:.0%}, on {made.seeds} seeds")
    table.add_row("written to", Text(str(output)))
    console.print(table)
