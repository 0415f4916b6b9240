"""The report of a run on data, rebuilt from nothing but the run's files."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from envrl.config import load_config
from envrl.errors import RunError
from envrl.evaluation.report.finetune import DataMeasurement, FinetuneReport, LossPoint
from envrl.evaluation.report.finetune_words import PLAY_FOLDER
from envrl.evaluation.report.record import ConfigRow
from envrl.runs import RunDirectory, read_json, read_lines, write_atomic, write_json
from envrl.workflow.reporting import build_report, write_report

__all__ = ["build_finetune_report", "data_path", "write_finetune_report"]

_TOKENS = "negative log-likelihood of a token"
_PREFERRED = "negative log of the probability that the chosen completion is preferred"
_LOSSES = {
    "nll": _TOKENS,
    "dft": f"{_TOKENS}, weighed by its probability",
    "sigmoid": _PREFERRED,
    "simpo": f"{_PREFERRED} by the margin",
    "kto": "one minus the value of a completion",
    "reward": _PREFERRED,
    "orpo": f"{_TOKENS} of the chosen completion, plus beta times the negative log odds ratio",
}


def data_path(run: RunDirectory, label: str) -> Path:
    """Where a measurement on data stands; those by play have the names that they have in a run that plays.

    Args:
        label: ``before`` or ``after``.
    """
    return run.eval_dir / f"data-{label}.json"


def build_finetune_report(run: RunDirectory) -> FinetuneReport:
    """What every form of the report shows.

    Raises:
        RunError: the run has not come to its end, or trained on no data.
    """
    before, after = (_read(run, label) for label in ("before", "after"))
    config, lock = load_config(run.config_path).config, run.lock
    events = read_lines(run.events_path).records
    times = [datetime.datetime.fromisoformat(event["time"]) for event in events]
    method, dataset, origins = config.method, lock["dataset"], lock["config_origins"]
    loss = method.effective_loss_type or method.name
    rows = read_lines(run.metrics_path).records if run.metrics_path.exists() else []
    return FinetuneReport(
        title=f"{config.model.path} in stage {method.name}",
        stage=method.name,
        loss=_LOSSES.get(loss, loss) + (f", plus {method.ftx:g} times that of fine-tuning" if method.ftx else ""),
        command=lock["command"],
        run_dir=str(run.path),
        lock_hash=hashlib.sha256(run.lock_path.read_bytes()).hexdigest()[:16],
        created=events[0]["time"],
        duration_seconds=(times[-1] - times[0]).total_seconds(),
        rows=dataset["train_rows"],
        sources=tuple(config.dataset.path),
        dropped=dataset["dropped"],
        before=before,
        after=after,
        curve=tuple(map(_point, rows)),
        play=build_report(run) if config.measures_by_play else None,
        config=tuple(ConfigRow(key=key, value=value, origin=origins[key]) for key, value in lock["config"].items()),
        versions={"python": lock["python"], **{k: v for k, v in lock["packages"].items() if v}},
        warnings=(
            *_warnings(before, after),
            *_no_curve(rows, config.train.logging_steps),
            *_diverged(before, after, rows),
        ),
    )


def write_finetune_report(run: RunDirectory, report: FinetuneReport) -> None:
    """Writes ``report.json``, ``report.html`` and ``report.md``; beside them, in ``play/``, the report of play.

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
    """
    from envrl.evaluation.report.finetune_html import render_finetune_html
    from envrl.evaluation.report.finetune_markdown import render_finetune_markdown

    if report.play is not None:
        write_report(run.path / PLAY_FOLDER, report.play)
    write_json(run.path / "report.json", report)
    write_atomic(run.report_md_path, render_finetune_markdown(report))
    write_atomic(run.report_html_path, render_finetune_html(report))


def _no_curve(rows: Sequence[dict[str, Any]], logging_steps: int) -> Iterator[str]:
    if not rows:
        yield (
            f"There is no curve: train.logging_steps ({logging_steps}) is beyond the run's steps, so that no line of "
            "metrics was written"
        )


def _diverged(before: DataMeasurement, after: DataMeasurement, rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    spoilt = [row["step"] for row in rows if row["loss"] is None]
    if spoilt:
        yield (
            f"The loss was no number in {len(spoilt)} of {len(rows)} lines of metrics, first at step {spoilt[0]}: the "
            "model diverged; lower train.learning_rate, or take a checkpoint from before that step"
        )
    for side in (before, after):
        names = [name for name, value in side.figures.items() if value is None]
        if names:
            yield f"Measured {side.label} training, {', '.join(names)} on held-out rows is no number"


def _read(run: RunDirectory, label: str) -> DataMeasurement:
    path = data_path(run, label)
    if not path.exists():
        raise RunError(f"{run.path}: has no measurement {label} training on data yet ({path.name} is missing)")
    return msgspec.convert(read_json(path), DataMeasurement)


def _point(row: dict[str, Any]) -> LossPoint:
    accuracy = row.get("accuracy", row.get("rewards/accuracies"))
    return LossPoint(step=row["step"], loss=row["loss"], accuracy=accuracy, learning_rate=row.get("learning_rate"))


def _warnings(before: DataMeasurement, after: DataMeasurement) -> Iterator[str]:
    if not after.rows:
        yield (
            "No row was held out, so that nothing says whether the model got better: set dataset.val_size, for "
            "example to 0.1, or give dataset.eval_path"
        )
    loss = {side.label: side.figures.get("loss") for side in (before, after)}
    if loss["before"] is not None and loss["after"] is not None and loss["after"] > loss["before"]:
        yield "The loss on held-out rows rose: fewer steps, a lower learning rate or more data may help"
