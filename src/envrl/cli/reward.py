"""``envrl reward``"""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.group("reward")
def command() -> None:
    """Try rewards on saved completions, without training."""


@command.command("test")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--env", required=True, help="Environment that the completions play, such as 2048; or math-answer.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Option of --env, such as target=512.")
@click.option("--preset", help="Reward components: envrl by default; envrl-answer for math-answer.")
@click.option("--weight", "weights", multiple=True, metavar="COMPONENT=NUMBER", help="Weight that differs.")
@click.option("--function", "functions", multiple=True, metavar="FILE.py:NAME", help="Reward function of your own.")
@click.option(
    "--contract", help="How a program is taken out of a completion: tiny, chat (default), reasoning, notebook."
)
@click.option("--seeds", help="Indices of the games that each completion plays; 0:4 by default.")
@click.option("--block", type=click.Choice(["train", "validation", "test", "final"]), help="Of the seeds; validation.")
@click.option("--style", help="Of math-answer: answer, solution, boxed or hashes; any by default.")
@click.option("--latex", is_flag=True, help="Of math-answer: compare LaTeX by math-verify.")
@click.option("--workers", type=click.IntRange(min=1), help="Referee processes; one a core by default.")
@click.option("--require", multiple=True, metavar="LAYER", help="Sandbox layer without which nothing is played.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(
    files: tuple[Path, ...],
    env: str,
    settings: tuple[str, ...],
    preset: str | None,
    weights: tuple[str, ...],
    functions: tuple[str, ...],
    contract: str | None,
    seeds: str | None,
    block: str | None,
    style: str | None,
    latex: bool,
    workers: int | None,
    require: tuple[str, ...],
    as_json: bool,
) -> None:
    """Score saved completions: each component, its weight, the total, the outcome and why.

    FILES hold JSON lines (.jsonl) with a "completion" each, as runs keep them, or one such object (.json); any other
    file is one completion as it stands.
    """
    import msgspec
    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.envs import find_task
    from envrl.rewards import find_preset
    from envrl.rewards.answers import find_answer_preset
    from envrl.sandbox import LEAST
    from envrl.workflow.workbench import ANSWER_TASK, bench_answers, bench_play, parse_weights, read_saved

    answers = env == ANSWER_TASK
    played = {"--set": settings, "--contract": contract, "--seeds": seeds, "--block": block, "--workers": workers}
    judged = {"--style": style, "--latex": latex}
    for name, value in (played if answers else judged).items():
        if value:
            raise click.UsageError(f"{name} is not for --env {env}")
    changed = parse_weights(weights)
    saved = read_saved(files)
    if answers:
        found = find_answer_preset(preset or "envrl-answer", changed, functions)
        bench = bench_answers(saved, found, style=style, latex=latex)  # type: ignore[arg-type]  # it is checked there
    else:
        options = dict(_setting(setting) for setting in settings)
        task, chosen = find_task(env, options), find_preset(preset or "envrl", changed, functions)
        with Display(Console(stderr=True)) as display:
            bench = bench_play(
                saved,
                task,
                chosen,
                contract=contract or "chat",
                seeds=seeds or "0:4",
                block=block or "validation",  # type: ignore[arg-type]  # click has checked it
                workers=workers,
                require=(*LEAST, *require),
                watcher=display,
            )
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(bench), indent=2))
    else:
        _print(bench)


def _setting(text: str) -> tuple[str, int | str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set {text!r}: write KEY=VALUE, such as target=512")
    try:
        return key, int(value)
    except ValueError:
        return key, value


def _print(bench) -> None:  # type: ignore[no-untyped-def]
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=_title(bench), title_justify="left")
    table.add_column("completion", overflow="fold", min_width=12)
    for name, weight in bench.weights.items():
        narrow = name.replace("_", "_\n")
        table.add_column(f"{narrow}\n× {weight:g}", justify="right", no_wrap=True)
    table.add_column("total", justify="right", no_wrap=True)
    for row in bench.rows:
        table.add_row(Text(row.place), *(_figure(row.rewards[name]) for name in bench.weights), _figure(row.total))
    totals = [row.total for row in bench.rows if row.total is not None]
    if len(bench.rows) > 1 and totals:
        means = (_figure(_mean([row.rewards[name] for row in bench.rows])) for name in bench.weights)
        table.add_section()
        table.add_row("mean", *means, _figure(_mean(totals)))
    console = Console()
    console.print(table)
    for row in bench.rows:
        console.print(Text(f"{row.place}: {row.outcome}" + (f": {row.why}" if row.why else "")), soft_wrap=True)


def _title(bench) -> str:  # type: ignore[no-untyped-def]
    where = f", {bench.block} seeds {bench.seeds}, contract {bench.contract}" if bench.seeds else ""
    return f"{bench.env}, preset {bench.preset}{where}"


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
