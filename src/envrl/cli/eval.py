"""``envrl eval``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["command"]


@click.command("eval")
@click.option(
    "--strategy", "strategies", multiple=True, metavar="FILE", help="Python file, or folder; may be repeated."
)
@click.option("--model", help="tiny, a Hugging Face id, a path, or the address of a server: http://127.0.0.1:8000/v1.")
@click.option("--model-name", help="What that server calls the model.")
@click.option("--api-key-env", metavar="VARIABLE", help="Environment variable that holds the server's key.")
@click.option("--concurrency", type=click.IntRange(1, 256), help="Requests to the server at once; 8 unless given.")
@click.option("--requests-per-minute", type=click.FloatRange(min=0, min_open=True), help="Most requests to the server.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), help="Seconds for a request; 300 unless given.")
@click.option("--retries", type=click.IntRange(min=0), help="Further tries of a request; 5 unless given.")
@click.option("--price-in", type=click.FloatRange(min=0), help="Price of a million tokens of prompts.")
@click.option("--price-out", type=click.FloatRange(min=0), help="Price of a million tokens of completions.")
@click.option(
    "--max-tokens-field", type=click.Choice(["max_tokens", "max_completion_tokens"]), help="As the server calls it."
)
@click.option("--adapter", help="Trained adapter to load on the model: an id or a path.")
@click.option("--run", metavar="RUN", help="The model of a run, on the run's environment and prompt.")
@click.option("--checkpoint", default="after", show_default=True, help="Of the run: before, after, or a step.")
@click.option("--completions", metavar="FILE.jsonl", help="Completions from anywhere, a JSON object a line.")
@click.option("--env", help="Environment; 2048 unless given.")
@click.option("--import", "module", help="Module or file to import first, which registers environments.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Option of the environment: target=1024.")
@click.option("--success", metavar="RULE", help="What counts as won, such as 'return >= 475'.")
@click.option("--toolkit", type=click.Choice(["full", "none"]), help="Helper functions lent to strategies.")
@click.option("--seeds", help="How many, or a range such as 0:1000; 200 for strategies, 32 for models.")
@click.option("--block", help="Block of the seeds: test, validation or final.")
@click.option("--samples", type=click.IntRange(min=1), help="Completions of a model; 64 unless given.")
@click.option("--contract", help="How a program is taken out of a completion: tiny, chat, reasoning or notebook.")
@click.option("--temperature", type=click.FloatRange(min=0, min_open=True), help="Sampling temperature.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Probability mass that is sampled from.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Most tokens of a completion.")
@click.option("--sampling-seed", type=click.IntRange(0, 2**63 - 1), help="Seed of the sampling.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where a model lives.")
@click.option("--until-width", type=float, metavar="WIDTH", help="Stop when the interval is so narrow, such as 0.05.")
@click.option("--max-seeds", type=click.IntRange(min=1), help="Most seeds of a strategy with --until-width.")
@click.option("--max-samples", type=click.IntRange(min=1), help="Most completions of a model with --until-width.")
@click.option("--workers", type=click.IntRange(min=1), help="Referee processes; one a core by default.")
@click.option("--runner", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="What plays.")
@click.option("--ray-address", help="Of the Ray cluster: auto, or HOST:PORT.")
@click.option("--require", multiple=True, metavar="LAYER", help="Sandbox layer without which nothing is played.")
@click.option("--output", metavar="DIR", help="Folder for every episode; sweeps/<env>-<time> unless given.")
@click.option("--no-keep", is_flag=True, help="Keep nothing on disk.")
@click.option("--resume", metavar="DIR", help="Go on with a sweep that was stopped.")
@click.option("--fail-under", multiple=True, metavar="FIGURE=NUMBER", help="Exit with 1 if its lower end is below.")
@click.option("--junit", type=click.Path(path_type=Path), help="JUnit file, for CI.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="JSON file with the figures.")
@click.option(
    "--export", type=(click.Choice(["inspect"]), click.Path(path_type=Path)), metavar="inspect DIR",
    help="Write a log for another framework: Inspect's, for 'inspect view'.",
)  # fmt: skip
@click.option("--plan", is_flag=True, help="Play nothing: say how many seeds --width needs.")
@click.option("--width", type=float, help="Width of the interval that --plan is for.")
@click.option("--rate", type=float, help="Rate that --plan expects; 0.5 unless given, which needs the most.")
@click.pass_context
def command(ctx: click.Context, /, **options: Any) -> None:
    """Measure programs over many seeds: how good, how sure, and how they fail.

    Give one of --strategy, --model, --run and --completions.
    """
    if options["plan"]:
        _plan(ctx, options)
    else:
        _evaluate(ctx, options)


def _plan(ctx: click.Context, options: dict[str, Any]) -> None:
    from envrl.workflow.planning import plan_text

    _refuse_others(ctx, "--plan", ("plan", "width", "rate", "samples"))
    if options["width"] is None:
        raise click.UsageError("--plan needs the width that you wish for, such as --width 0.05")
    rate = 0.5 if options["rate"] is None else options["rate"]
    click.echo(plan_text(options["width"], rate, options["samples"]))


def _evaluate(ctx: click.Context, options: dict[str, Any]) -> None:
    import time

    from rich.console import Console

    from envrl.cli.display import Display
    from envrl.evaluation.report.terminal import render_terminal
    from envrl.runs import write_json
    from envrl.workflow import sweep
    from envrl.workflow.gate import check_gates, parse_gate, write_junit
    from envrl.workflow.outputs import check_file, check_folder
    from envrl.workflow.sweep_summary import first_faults, json_record, make_report

    for name in ("width", "rate"):
        if options[name] is not None:
            raise click.UsageError(f"--{name} goes with --plan")
    gates = [parse_gate(text) for text in options["fail_under"]]
    check_file(options["junit"], "--junit")
    check_file(options["json_file"], "--json")
    check_folder(options["export"] and options["export"][1], "--export inspect")
    runner = sweep.RunnerChoice(options["workers"], options["runner"], options["ray_address"])
    console, began = Console(), time.monotonic()
    with Display(console) as display:
        if options["resume"] is not None:
            resumable = ("resume", "workers", "runner", "ray_address", "fail_under", "junit", "json_file", "export")
            _refuse_others(ctx, "--resume", resumable)
            evaluation = sweep.resume(options["resume"], display, runner)
        else:
            if options["no_keep"] and options["output"] is not None:
                raise click.UsageError("--output and --no-keep exclude each other")
            output = None if options["no_keep"] else options["output"] or ""
            evaluation = sweep.evaluate(_request(options), display, output, runner)
        report = make_report(evaluation, display)
    verdicts = check_gates(evaluation.sweep, gates)
    page = "" if evaluation.directory is None else str(evaluation.directory / "report.html")
    console.print(render_terminal(report, page))
    for line in (*first_faults(evaluation.sweep), *(verdict.sentence for verdict in verdicts)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if options["junit"] is not None:
        write_junit(options["junit"], evaluation.sweep, verdicts, time.monotonic() - began)
    if options["json_file"] is not None:
        write_json(options["json_file"], json_record(report, verdicts))
    if options["export"] is not None:
        from envrl.workflow.exporting import export_inspect

        path = export_inspect(evaluation, options["export"][1])
        console.print(f"written for Inspect: {path}", markup=False, highlight=False, soft_wrap=True)
    if not all(verdict.passed for verdict in verdicts):
        raise SystemExit(1)


def _refuse_others(ctx: click.Context, option: str, allowed: tuple[str, ...]) -> None:
    from click.core import ParameterSource

    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in allowed and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option} takes no {parameter.opts[0]}: leave it out")


def _request(options: dict[str, Any]) -> Any:
    from envrl.cli.command_line import repeat_command, setting
    from envrl.workflow.eval_request import EvalRequest, Sampling, Served

    environment: dict[str, Any] = {}
    for key, name in (("id", "env"), ("import", "module"), ("success", "success"), ("toolkit", "toolkit")):
        if options[name] is not None:
            environment[key] = options[name]
    if options["settings"]:
        environment["options"] = dict(map(setting, options["settings"]))
    return EvalRequest(
        environment=environment,
        strategies=options["strategies"],
        model=options["model"],
        served=Served(**{name: options[name] for name in Served.__struct_fields__}),
        adapter=options["adapter"],
        run=options["run"],
        checkpoint=options["checkpoint"],
        completions=options["completions"],
        contract=options["contract"],
        sampling=Sampling(
            temperature=options["temperature"],
            top_p=options["top_p"],
            max_completion_length=options["max_tokens"],
            seed=options["sampling_seed"],
        ),
        samples=options["samples"],
        max_samples=options["max_samples"],
        seeds=options["seeds"],
        max_seeds=options["max_seeds"],
        block=options["block"],
        until_width=options["until_width"],
        device=options["device"],
        require=options["require"],
        command=repeat_command(),
    )
