"""One of the processes that ``envrl train --nproc`` starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envrl.workflow.train import Job

__all__: list[str] = []


def _work(job: Job) -> None:
    """Does a part of a run; the first process shows how it goes, and its report."""
    from envrl.cli.train import show
    from envrl.models.ranks import here
    from envrl.workflow.train import work
    from envrl.workflow.watching import Silent

    if here().first:
        show(job)
    else:
        work(job, Silent())


if __name__ == "__main__":
    from envrl.workflow.launching import take_part

    take_part(_work)
