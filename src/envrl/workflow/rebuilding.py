"""What ``envrl report`` does: whatever a directory holds, its report is made anew."""

from __future__ import annotations

from pathlib import Path

from envrl.config import load_config
from envrl.errors import RunError
from envrl.evaluation.report.finetune import FinetuneReport
from envrl.evaluation.report.record import SweepReport
from envrl.evaluation.sweeps import is_sweep, read_sweep
from envrl.runs import RunDirectory
from envrl.workflow.finetune_report import build_finetune_report, write_finetune_report
from envrl.workflow.reporting import build_report, make_folder, report_sweep, steps_done, write_report

__all__ = ["rebuild", "write"]


def rebuild(path: str | Path, *, partial: bool = False) -> SweepReport | FinetuneReport:
    """The report of a run or of a sweep, from its directory.

    Args:
        partial: take what is there of one that has not come to its end.

    Raises:
        RunError: the directory holds neither, or one that has not come to its end.
        EnvrlError: its configuration or its environment cannot be had any more.
    """
    path = Path(path)
    if is_sweep(path):
        sweep = read_sweep(path)
        if not sweep.finished and not partial:
            raise RunError(
                f"{path}: this sweep has not come to its end; wait for it, go on with it by: envrl eval --resume "
                f"{path}, or give --partial for what is there"
            )
        return report_sweep(sweep, path)
    if not (path / "status.json").is_file():
        why = "holds neither a run nor a sweep" if path.is_dir() else "no such directory"
        raise RunError(f"{path}: {why}; give what 'envrl train' or 'envrl eval' wrote")
    run = RunDirectory.open(path)
    status = run.status
    on_data = not load_config(run.config_path).config.method.plays
    if status.state == "finished":
        return build_finetune_report(run) if on_data else build_report(run)
    if on_data and partial:
        raise RunError(
            f"{path}: there is no --partial report of a run that trains on data; its loss so far stands in "
            f"{run.metrics_path}"
        )
    if not partial:
        state = "was killed" if run.was_killed else f"is {status.state}"
        way = "wait for its end" if state == "is running" else f"go on with it by: envrl train --resume {path}"
        raise RunError(
            f"{path}: this run has not come to its end: it {state} at step {steps_done(run)}; {way}, or give "
            "--partial for what is there"
        )
    return build_report(run, partial=True)


def write(folder: Path, report: SweepReport | FinetuneReport) -> Path:
    """Writes all forms of a report; gives the path of the page.

    Raises:
        MissingExtraError: the extra ``report`` is not installed.
        RunError: they cannot be written.
    """
    if isinstance(report, SweepReport):
        return write_report(folder, report)
    make_folder(folder)
    target = RunDirectory(folder)
    write_finetune_report(target, report)
    return target.report_html_path
