"""What ``envrl check`` does: tries an environment as envrl will use it, and gives a verdict on all that counts."""

from __future__ import annotations

import inspect
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np

import envrl
from envrl.envs import find_task
from envrl.envs.registry import resolve
from envrl.errors import EnvrlError
from envrl.workflow.check_environment import ENVIRONMENT_CHECKS
from envrl.workflow.check_subject import Check, Checked, Objection, Subject, Verdict
from envrl.workflow.check_task import TASK_CHECKS

__all__ = ["Checked", "Verdict", "check"]

_OURS = tuple(str(Path(str(inspect.getsourcefile(module))).parent) for module in (envrl, gymnasium, np))


def check(name: str, *, success: str | None = None, full: bool = False) -> Iterator[Checked]:
    """Checks an environment, and gives each verdict as soon as it is known.

    Whatever the environment raises is a failed check. What cannot be tried since an earlier check failed is not run.

    Args:
        name: an id, a short name, or a file with a name in it.
        success: the rule, in place of the environment's own.
        full: play every hostile program on two seeds, not a few on one.

    Raises:
        UnknownNameError: nothing answers to the name.
        EnvError: the file cannot be loaded.
    """
    env_id = resolve(name)
    subject = Subject(env_id, lambda: find_task(env_id, success=success), full)
    blocked = ""
    for one in (*ENVIRONMENT_CHECKS, *TASK_CHECKS):
        if blocked:
            yield Checked(one.title, Verdict.NOT_RUN, f"until {blocked!r} is mended")
            continue
        checked = _run(one, subject)
        if checked.verdict is Verdict.FAILED and one.first:
            blocked = one.title
        yield checked


def _run(one: Check, subject: Subject) -> Checked:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Checked(one.title, *one.run(subject))
        except Objection as objection:
            return Checked(one.title, Verdict.FAILED, objection.seen, objection.mend)
        except EnvrlError as error:
            return Checked(one.title, Verdict.FAILED, str(error))
        except (Exception, SystemExit) as error:  # a third party's code: whatever it raises is what was seen
            return Checked(one.title, Verdict.FAILED, _raised(error), "let it not raise")


def _raised(error: BaseException) -> str:
    """An error, with the line of the user's own code that it came from."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((*_OURS, "<"))]
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
