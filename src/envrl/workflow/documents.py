"""``EXPERIMENT.md``, notes that a person ends, and ``MODEL_CARD.md``, what a model's users want to know."""

from __future__ import annotations

from collections.abc import Iterator

from envrl.config import RunConfig, load_config
from envrl.evaluation.escape import one_line
from envrl.evaluation.report import finetune_words, sentences, words
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport
from envrl.runs import RunDirectory, write_atomic
from envrl.workflow.best_checkpoint import read_candidates
from envrl.workflow.smoke import read_judged

__all__ = ["write_documents"]


def write_documents(run: RunDirectory, report: SweepReport | FinetuneReport) -> None:
    """Writes both; an ``EXPERIMENT.md`` that is there already stays, since a person may have written in it.

    Raises:
        RunError: they cannot be written.
    """
    config = load_config(run.config_path).config
    if not run.experiment_path.exists():
        write_atomic(run.experiment_path, "\n".join(_experiment(run, config, report)) + "\n")
    write_atomic(run.model_card_path, "\n".join(_card(run, config, report)) + "\n")


def _experiment(run: RunDirectory, config: RunConfig, report: SweepReport | FinetuneReport) -> Iterator[str]:
    lock, train = run.lock, config.train
    yield f"# Experiment {run.name}"
    yield ""
    yield f"{_headline(report)} Details: [report.md](report.md), and what it depends on: `lock.json`."
    yield ""
    yield "## What was asked"
    yield ""
    yield "_To fill in: the question, and what would count as an answer._"
    yield ""
    yield "## Baseline"
    yield ""
    yield from _side(report, 0)
    yield ""
    yield "## Data set"
    yield ""
    yield from _data(config, lock)
    yield ""
    yield "## Rewards"
    yield ""
    yield from _rewards(config, lock)
    yield ""
    yield "## Configuration"
    yield ""
    yield f"    {one_line(lock['command'] or '(started from a program)', 1000)}"
    yield ""
    yield "| setting | value | where it came from |"
    yield "|---|---|---|"
    for row in report.config:
        if row.origin != "default":
            yield f"| `{row.key}` | `{_cell(row.value)}` | {_cell(row.origin)} |"
    yield ""
    yield "## Steps"
    yield ""
    yield from _steps(run, config)
    length = "" if train.epochs is None else f" ({train.epochs:g} epochs)"
    yield f"- training: {run.status.step} steps{length} of {config.method.name}, learning rate {train.learning_rate:g}"
    yield ""
    yield "## Before and after"
    yield ""
    yield from _before_and_after(report)
    yield ""
    yield "## Failure modes"
    yield ""
    yield from _failures(report)
    yield ""
    yield "## Decision for the next round"
    yield ""
    yield "_To fill in: one variable to change, why, and what result is expected._"
    yield ""
    yield "- [ ] keep, or go back to the baseline:"
    yield "- [ ] the one variable that changes:"
    yield "- [ ] expected of it:"


def _card(run: RunDirectory, config: RunConfig, report: SweepReport | FinetuneReport) -> Iterator[str]:
    lock = run.lock
    base = config.model.path
    yield "---"
    # A folder, or the model that ships with envrl, is no model of the Hub.
    if base != "tiny" and not base.startswith((".", "/", "~")):
        yield f"base_model: {base}"
    yield "library_name: " + ("transformers" if config.model.lora is None else "peft")
    yield "tags: [envrl, trl, " + config.method.name + "]"
    yield "---"
    yield f"# {run.name}"
    yield ""
    yield f"`{one_line(base)}`, trained with {config.method.name} (TRL {lock['packages']['trl']}) by envrl."
    yield ""
    yield _headline(report)
    yield ""
    yield "## Intended use"
    yield ""
    if isinstance(report, SweepReport) and not sentences.plays(report):
        yield f"Answers questions: {one_line(report.task)}; an answer counts when it is: {one_line(report.target)}."
    elif isinstance(report, SweepReport):
        yield f"Writes a program that plays {one_line(report.task)}; it counts as won when: {one_line(report.target)}."
        yield "Run its programs in a sandbox: they are code that a model wrote."
    else:
        yield f"The stage {config.method.name} on {_sources(config)}; nothing is claimed beyond the held-out rows."
    yield ""
    yield "## Training"
    yield ""
    yield from _data(config, lock)
    yield from _rewards(config, lock)
    yield from _steps(run, config)
    yield f"- seed {config.train.seed}, {run.status.step} steps, learning rate {config.train.learning_rate:g}"
    yield ""
    yield "## Evaluation"
    yield ""
    yield from _before_and_after(report)
    yield ""
    yield "## Limits"
    yield ""
    yield from _failures(report)
    yield ""
    yield "## Repeat it"
    yield ""
    yield f"    {one_line(lock['command'] or '(started from a program)', 1000)}"
    yield ""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    yield f"Versions: {versions}. The lock is named {report.lock_hash}."


def _headline(report: SweepReport | FinetuneReport) -> str:
    told = finetune_words.headline(report) if isinstance(report, FinetuneReport) else sentences.headline(report)
    return one_line(told, 1000)


def _side(report: SweepReport | FinetuneReport, place: int) -> Iterator[str]:
    if isinstance(report, FinetuneReport):
        side = (report.before, report.after)[place]
        yield f"`{one_line(side.model)}` on {side.rows} held-out rows: " + (
            ", ".join(f"{name} {words.amount(value)}" for name, value in side.figures.items()) or "not measured"
        )
    play = report.play if isinstance(report, FinetuneReport) else report
    if play is None:
        return
    label = ("before", "after")[place]
    found = next((side for side in play.sides if side.label == label), None)
    if found is None:
        yield "Not measured."
        return
    yield (
        f"`{one_line(found.model)}`: {words.rate(found.success)} of the episodes won; {found.samples} programs on "
        f"seeds {found.seeds} of block {found.block}."
    )


def _data(config: RunConfig, lock: dict[str, object]) -> Iterator[str]:
    dataset = lock.get("dataset")
    if config.method.plays:
        yield f"- episodes of `{config.env.id}`, block train, under a salt of the run's own: {config.env.episodes} each"
        if taught := config.method.pre_sft:
            yield f"- before it {config.method.pre_sft_steps} steps of fine-tuning on `{one_line(taught)}`"
        return
    assert isinstance(dataset, dict)
    rows = "a stream of" if dataset["train_rows"] is None else dataset["train_rows"]
    yield f"- {_sources(config)}: {rows} rows to train on, {dataset['eval_rows']} held out"
    for reason, count in dataset["dropped"].items():
        yield f"- {count} rows left out: {one_line(reason)}"


def _sources(config: RunConfig) -> str:
    return ", ".join(f"`{one_line(path)}`" for path in config.dataset.path)


def _rewards(config: RunConfig, lock: dict[str, object]) -> Iterator[str]:
    reward = lock.get("reward")
    if not config.method.plays or not isinstance(reward, dict):
        yield f"- none: {config.method.name} learns from rows"
        return
    yield f"- preset {reward['preset']}, version {reward['version']}: {words.weights(reward['weights'])}"
    for function in reward.get("functions", ()):
        yield f"- a function of one's own: `{one_line(str(function))}`"


def _steps(run: RunDirectory, config: RunConfig) -> Iterator[str]:
    if judged := read_judged(run):
        kind = "a trial, thrown away" if judged.thrown_away else "the run's first"
        yield f"- smoke, {judged.steps} steps ({kind}):"
        for check in judged.checks:
            yield f"    - {check.name}: {check.verdict} ({check.seen})"
    if found := read_candidates(run):
        yield f"- checkpoints on validation seeds {config.eval.validation_seeds}:"
        for one in found:
            yield f"    - step {one.step}: {words.rate(one.success)} won{' (the result)' if one.chosen else ''}"


def _before_and_after(report: SweepReport | FinetuneReport) -> Iterator[str]:
    for place, label in enumerate(("before", "after")):
        for line in _side(report, place):
            yield f"- {label}: {line}"
    play = report.play if isinstance(report, FinetuneReport) else report
    if play is not None and play.difference is not None:
        yield f"- difference: {words.change(play.difference)}"


def _failures(report: SweepReport | FinetuneReport) -> Iterator[str]:
    for warning in report.warnings:
        yield f"- {one_line(warning, 1000)}"
    play = report.play if isinstance(report, FinetuneReport) else report
    if play is None:
        if not report.warnings:
            yield "- none was counted: nothing was played"
        return
    rows = [(name, shares) for name, shares in words.outcome_rows(*play.sides) if name != "success"]
    if not rows:
        yield "- no episode was lost"
        return
    if report.warnings:
        yield ""
    yield "| outcome, share of episodes | " + " | ".join(side.label for side in play.sides) + " |"
    yield "|---|" + "---|" * len(play.sides)
    for name, shares in rows:
        yield f"| {name} | " + " | ".join(words.percent(share) for share in shares) + " |"


def _cell(text: str) -> str:
    return one_line(text, 300).replace("|", "\\|").replace("`", "'")
