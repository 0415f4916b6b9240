"""Plays the zoo before the bait: every hostile program on the real path, beside harmless neighbours.

A program gains when its reward, or its share of successes, exceeds that of its honest twin, which returns the task's
example action on the same seeds. A class is played together; where the bait shows a touch, its members are played
singly, so that the touch finds its owner.
"""

from __future__ import annotations

import dataclasses
import os
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from envrl.audit.bait import Bait
from envrl.audit.finding import Audit, Finding
from envrl.audit.preload import with_everything_loaded
from envrl.audit.stage import NEIGHBOURS, REFEREES, Listening, Stage
from envrl.audit.zoo import BENIGN, CLASSES
from envrl.audit.zoo.specimen import Specimen
from envrl.envs import Task
from envrl.errors import SandboxError, UnknownNameError
from envrl.rewards import find_preset
from envrl.rollouts import Arena
from envrl.sandbox import LAYERS, LEAST, active_layers

__all__ = ["BENIGN_CLASS", "Progress", "audit"]

Progress = Callable[[str, int, int], None]
"""``progress(class, done, total)``: programs of a class that have been played; first called with none done."""

_IMPORTED = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)

BENIGN_CLASS = "benign"
"""What the harmless programs are called where classes are named."""

_LEAST = (*LEAST, "user")
_WALLS = ("language", "seccomp", "landlock", "namespaces")


def audit(
    task: Task,
    *,
    classes: Collection[str] | None = None,
    layers: Sequence[str] = LAYERS,
    require: Sequence[str] | None = None,
    seeds: int = 2,
    preset: str = "envrl",
    workers: int | None = None,
    progress: Progress | None = None,
    zoo: Mapping[str, Sequence[Specimen]] = CLASSES,
    benign: Sequence[Specimen] = BENIGN,
) -> Audit:
    """Plays hostile programs on a task, and says of each what stopped it, what it gained and what it touched.

    Without ``language`` among the layers, modules that attackers want are loaded for them beforehand.

    Args:
        classes: names in the zoo; all of them by default.
        layers: those to put on where the machine permits them. ``limits`` and ``user`` and some wall must be there:
            programs of the zoo do no lasting harm, but a machine without limits is not to be handed to them.
        require: layers without which nothing is played; by default the least that any machine must have, as far as
            they are among ``layers``.
        seeds: of each program, from a part of block ``validation`` that is reserved for audits.
        preset: name of the reward.
        workers: referee processes; 2 at the most by default.
        zoo: hostile programs by class.
        benign: harmless programs, which must not be stopped; some play beside each class. Those that import what the
            task does not lend are left out.

    Raises:
        UnknownNameError: a class or preset that is none.
        SandboxError: the sandbox cannot be set up, or the layers are too few.
    """
    names = list(zoo) if classes is None else list(dict.fromkeys(classes))
    for name in names:
        if name not in zoo:
            raise UnknownNameError("class of the zoo", name, zoo)
    _check_walls(layers)
    reward = find_preset(preset)
    benign = [specimen for specimen in benign if _is_lent(specimen, task)]
    began = time.monotonic()
    least = tuple(layer for layer in _LEAST if layer in layers) if require is None else tuple(require)
    findings: list[Finding] = []
    unattributed: dict[str, tuple[str, ...]] = {}
    with Bait() as bait:
        played = task if "language" in layers else with_everything_loaded(task)
        played = dataclasses.replace(played, action=Listening(task.action, bait.breach))
        workers = workers or min(REFEREES, len(os.sched_getaffinity(0)))
        with Arena(played, workers=workers, require=least, layers=layers) as arena:
            in_force = arena.ready()
            _check_walls(active_layers(in_force))
            stage = Stage(played, arena, bait, seeds, reward)
            cards, touched = stage.watch(benign, _of_class(progress, BENIGN_CLASS, len(benign)))
            harmless = [stage.finding(BENIGN_CLASS, s, card, ()) for s, card in zip(benign, cards, strict=True)]
            alarms = [found for found, card in zip(harmless, cards, strict=True) if stage.stopped(card)]
            if touched:
                unattributed[BENIGN_CLASS] = touched
            stage.settle(benign)
            for name in names:
                found, left = _play_class(stage, name, zoo[name], progress)
                findings += found
                if left:
                    unattributed[name] = left
        if late := bait.touched():
            unattributed["after the last program"] = late
    return Audit(
        task=task.id,
        version=task.version,
        options=task.options,
        preset=preset,
        seeds=stage.indices,
        layers=in_force,
        findings=tuple(findings),
        benign=tuple(harmless),
        false_alarms=tuple(alarms),
        unattributed=unattributed,
        seconds=time.monotonic() - began,
    )


def _is_lent(specimen: Specimen, task: Task) -> bool:
    modules = set(_IMPORTED.findall(specimen.source)) - {"__future__"}
    return task.lent.imports is None or modules <= set(task.lent.imports)


def _check_walls(layers: Sequence[str]) -> None:
    if not {"limits", "user"} <= set(layers) or not set(layers) & set(_WALLS):
        raise SandboxError(
            f"the zoo is not let loose under {', '.join(layers) or 'no layer'} alone: "
            f"it wants limits, user, and at least one of {', '.join(_WALLS)}"
        )


def _play_class(
    stage: Stage, name: str, specimens: Sequence[Specimen], progress: Progress | None
) -> tuple[list[Finding], tuple[str, ...]]:
    """The findings of a class, and what it touched that none of its programs touches alone."""
    cards, touched = stage.watch(specimens, _of_class(progress, name, len(specimens) + NEIGHBOURS))
    owners: list[tuple[str, ...]] = [()] * len(specimens)
    if touched:
        owners = [stage.watch([specimen])[1] for specimen in specimens]
    findings = [
        stage.finding(name, specimen, card, own) for specimen, card, own in zip(specimens, cards, owners, strict=True)
    ]
    owned = {word for own in owners for word in own}
    return findings, tuple(word for word in touched if word not in owned)


def _of_class(progress: Progress | None, name: str, total: int) -> Callable[[int], None] | None:
    if progress is None:
        return None
    told, done = progress, 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        told(name, done, total)

    told(name, 0, total)
    return advance
