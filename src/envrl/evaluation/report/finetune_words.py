"""How a report of a run on data says its numbers: the same words in every form."""

from __future__ import annotations

from envrl.evaluation.report import words
from envrl.evaluation.report.finetune import DataMeasurement, FinetuneReport
from envrl.evaluation.report.record import Rate
from envrl.evaluation.statistics import wilson

__all__ = ["MEANING", "PLAY_FOLDER", "facts", "figure_rows", "headline", "loss_chart_alt", "play_rows", "score_text"]

MEANING = "The rows were held out: the model was not trained on them. Intervals are Wilson's 95 %."
"""What the figures claim, for the small print."""

PLAY_FOLDER = "play"
"""Where the whole report of the measurement by play lies, in the run's folder."""

_FIRST = ("loss", "accuracy", "margin", "mean_token_accuracy", "nll_loss", "kl", "entropy")
_SHARES = ("accuracy", "mean_token_accuracy")
_LABELS = {
    "accuracy": "chosen preferred to rejected",
    "margin": "margin of chosen over rejected",
    "mean_token_accuracy": "tokens guessed right",
    "nll_loss": "loss of fine-tuning alone",
    "kl": "distance from the reference",
}


def headline(report: FinetuneReport) -> str:
    """The report in a sentence."""
    before, after = report.before.figures.get("loss"), report.after.figures.get("loss")
    if report.after.rows and after is None:
        return f"{report.title}: the loss on {report.after.rows:,} held-out rows is no number after training."
    if before is None or after is None:
        return f"{report.title}: trained on {_rows(report)}; none was held out to measure by."
    verb = "lowered" if after < before else "raised" if after > before else "did not change"
    return f"Training {verb} the loss on {report.after.rows:,} held-out rows from {before:.3f} to {after:.3f}."


def _rows(report: FinetuneReport) -> str:
    return "a stream of rows" if report.rows is None else f"{report.rows:,} rows"


def figure_rows(report: FinetuneReport) -> list[tuple[str, tuple[str, str]]]:
    """A label and its value before and after; ``report.json`` has more."""
    sides = (report.before, report.after)
    names = {name for side in sides for name in side.figures}
    ordered = [name for name in _FIRST if name in names and (name != "nll_loss" or report.stage == "orpo")]
    rows = [("rows held out", (f"{sides[0].rows:,}", f"{sides[1].rows:,}"))]
    return rows + [(_LABELS.get(name, name), (_value(sides[0], name), _value(sides[1], name))) for name in ordered]


def _value(side: DataMeasurement, name: str) -> str:
    value = side.figures.get(name)
    if value is None:
        return "–"
    if name == "accuracy" and side.figures.get("rewards/chosen") == side.figures.get("rewards/rejected") == 0.0:
        return "equals its reference"
    if name == "accuracy" and side.rows:
        return words.rate(Rate.of(wilson(round(value * side.rows), side.rows)))
    return words.percent(value) if name in _SHARES else f"{value:.4g}"


def play_rows(report: FinetuneReport) -> list[tuple[str, tuple[str, str]]]:
    """The same of the measurement by play; empty where there is none."""
    play = report.play
    if play is None:
        return []
    told = words.summary_rows(*play.sides)
    rows = [(label, (values[0], values[1])) for label, values in told]
    if play.difference is not None:
        rows.append(("difference", ("", words.change(play.difference))))
    return rows


def facts(report: FinetuneReport) -> list[tuple[str, str]]:
    """What the run was made of: a label and its text."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in report.dropped.items())
    return [
        ("Stage", f"{report.stage}; loss: {report.loss}"),
        ("Data", f"{_rows(report)} of {', '.join(report.sources)}"),
        ("Left out", dropped or "nothing"),
        ("Model before", report.before.model),
        ("Model after", report.after.model),
        ("Run", report.run_dir),
        ("Play", f"{report.run_dir}/{PLAY_FOLDER}/report.html" if report.play else ""),
        ("Lock", report.lock_hash),
        ("Written", f"{report.created}, after {words.duration(report.duration_seconds)}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in report.versions.items())),
    ]


def score_text(scores: tuple[float | None, ...]) -> str:
    """``"chosen 0.41, rejected -0.10"``."""
    told = ("no number" if score is None else f"{score:.3f}" for score in scores)
    return ", ".join(f"{name} {score}" for name, score in zip(("chosen", "rejected"), told, strict=False))


def loss_chart_alt(report: FinetuneReport) -> str:
    """The curve of the loss in words."""
    known = [(point.loss, point.step) for point in report.curve if point.loss is not None]
    if not known:
        return "The loss was no number in any training step."
    (first, begins), (last, ends), (lowest, at) = known[0], known[-1], min(known)
    return (
        f"Loss over training steps {begins} to {ends}: from {first:.3f} to {last:.3f}, "
        f"lowest {lowest:.3f} at step {at}."
    )
