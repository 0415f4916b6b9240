"""A sweep in the format of another evaluation framework."""

from __future__ import annotations

import datetime
import hashlib
from pathlib import Path

from envrl.errors import EnvrlError, RunError
from envrl.evaluation.export_inspect import inspect_log
from envrl.evaluation.sweeps import STATUS, Sweep
from envrl.runs import write_json
from envrl.runs.status import read_status
from envrl.workflow.results import task_of_sweep
from envrl.workflow.sweep import Evaluation

__all__ = ["export_inspect"]


def export_inspect(evaluation: Evaluation, folder: Path) -> Path:
    """Writes a log that ``inspect view --log-dir FOLDER`` opens; its path.

    Raises:
        RunError: the sweep is of answers; the folder cannot be made, or the file cannot be written.
    """
    if evaluation.sweep.header.answers:
        raise RunError(
            "--export: a log of Inspect has a program a sample, and these are answers; they stand in episodes.jsonl of "
            f"{evaluation.directory or 'a sweep that is kept (--output)'}"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made ({error.strerror}); choose another folder for --export") from None
    sweep, directory = evaluation.sweep, evaluation.directory
    if directory is None:
        completed = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    else:
        completed = read_status(directory / STATUS).updated
    log = inspect_log(sweep, _prompt(sweep), completed)
    # As Inspect names its own: time, task, identifier.
    time = sweep.header.created[:19].replace(":", "-")
    task = "".join(letter if letter.isalnum() else "-" for letter in sweep.header.task)
    path = folder / f"{time}_{task}_{log['eval']['eval_id']}.json"
    write_json(path, log)
    return path


def _prompt(sweep: Sweep) -> str | None:
    """The prompt, where the task still shows the one that was answered."""
    header = sweep.header
    if header.contract is None:
        return None
    try:
        prompt = task_of_sweep(header).prompt(header.contract)
    except EnvrlError:
        return None
    known = header.prompt_sha256 in (None, hashlib.sha256(prompt.encode()).hexdigest())
    return prompt if known else None
