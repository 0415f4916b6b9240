"""What ``envrl doctor`` finds: versions, devices, sandbox layers, and what is wrong with them."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import psutil
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from envrl.errors import SandboxError
from envrl.sandbox import LAYERS, LEAST, Profile, Sandbox
from envrl.sandbox.mending import look, mend
from envrl.sandbox.proof import Proof, State, prove

__all__ = [
    "Diagnosis",
    "Problem",
    "SandboxDiagnosis",
    "diagnose",
    "diagnose_sandbox",
    "find_problems",
    "installed",
    "judge",
]

_PACKAGES = (
    "envrl gymnasium numpy msgspec RestrictedPython torch transformers trl peft accelerate datasets tokenizers unsloth "
    "vllm ray jinja2"
).split()


class Problem(NamedTuple):
    """Something wrong, and the line that mends it."""

    what: str
    mend: str


class Diagnosis(NamedTuple):
    """What was found.

    Attributes:
        machine: a line each on Python, system, cores and memory.
        versions: of packages; None for one that is not installed.
        devices: what torch sees.
        layers: of the sandbox, "" where in force, else why not and what would help.
        problems: known-bad combinations and missing parts.
    """

    machine: dict[str, str]
    versions: dict[str, str | None]
    devices: list[str]
    layers: dict[str, str]
    problems: list[Problem]


def installed() -> dict[str, str | None]:
    """Versions of the packages that envrl stands on."""

    def version(name: str) -> str | None:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    return {name: version(name) for name in _PACKAGES}


class _Rule(NamedTuple):
    """A combination known to be bad: it applies where every package named is there in such a version."""

    versions: Mapping[str, str]
    what: str
    mend: str
    when: Callable[[bool], bool] = lambda cuda: True


_UNSLOTH, _VLLM = (f'pip install -c constraints/gpu.txt "envrl[{extra}]"' for extra in ("unsloth", "vllm"))

_RULES = (
    _Rule(
        {"trl": "==1.15.0"},
        "TRL 1.15.0 fails without a GPU (its fused head has no CPU kernel)",
        'pip install "trl==1.16.0"',
        when=lambda cuda: not cuda,
    ),
    _Rule({"trl": "<1.14"}, "TRL older than 1.14 is not tried with envrl", 'pip install "trl>=1.14,!=1.15.0"'),
    _Rule(
        {"unsloth": ">0", "transformers": ">5.17.0"},
        "Unsloth needs transformers 5.17.0 or older",
        _UNSLOTH,
    ),
    _Rule(
        {"unsloth": ">0", "trl": ">1.15.0"},
        "Unsloth needs TRL 1.15.0 or older",
        _UNSLOTH,
    ),
    _Rule(
        {"unsloth": ">0", "datasets": ">=5"},
        "Unsloth needs datasets older than 5",
        _UNSLOTH,
    ),
    _Rule(
        {"unsloth": ">0", "datasets": ">=4.4,<4.6"},
        "Unsloth does not work with datasets 4.4 and 4.5",
        _UNSLOTH,
    ),
    _Rule(
        {"unsloth": ">0", "torch": ">=2.15"},
        "Unsloth needs torch older than 2.15",
        _UNSLOTH,
    ),
    _Rule(
        {"vllm": ">=0.31,<0.32", "torch": "!=2.13.0"},
        "vLLM 0.31 needs torch 2.13.0",
        _VLLM,
    ),
    _Rule(
        {"vllm": ">=0.32"},
        "TRL supports vLLM up to 0.31",
        _VLLM,
    ),
    _Rule(
        {"vllm": "<0.31", "torch": ">=2.13"},
        "vLLM older than 0.31 does not work with torch 2.13",
        _VLLM,
    ),
    _Rule(
        {"vllm": ">0", "transformers": ">=5.18"},
        "vLLM 0.31 needs transformers older than 5.18",
        _VLLM,
    ),
)


def find_problems(versions: Mapping[str, str | None], cuda: bool) -> list[Problem]:
    """Known-bad combinations among versions, and parts without which nothing trains."""
    found = []
    if missing := [name for name in ("torch", "transformers", "trl", "datasets") if not versions.get(name)]:
        found.append(Problem(f"cannot train: {', '.join(missing)} not installed", 'pip install "envrl[train]"'))
    if not versions.get("jinja2"):
        found.append(Problem("cannot write reports: jinja2 not installed", 'pip install "envrl[report]"'))
    for rule in _RULES:
        applies = all(
            (version := versions.get(name)) and Version(version) in SpecifierSet(wanted, prereleases=True)
            for name, wanted in rule.versions.items()
        )
        if applies and rule.when(cuda):
            found.append(Problem(rule.what, rule.mend))
    return found


def diagnose() -> Diagnosis:
    """Looks at this machine; imports torch, and starts a sandbox."""
    versions = installed()
    devices, cuda = _devices(versions["torch"] is not None)
    layers, problems = _sandbox()
    memory = psutil.virtual_memory()
    return Diagnosis(
        machine={
            "python": f"{platform.python_version()} ({platform.python_implementation()})",
            "system": platform.platform(),
            "cores": f"{len(os.sched_getaffinity(0))} usable of {os.cpu_count()}",
            "memory": f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free",
        },
        versions=versions,
        devices=devices,
        layers=layers,
        problems=find_problems(versions, cuda) + problems,
    )


def _devices(torch_there: bool) -> tuple[list[str], bool]:
    if not torch_there:
        return ["torch is not installed"], False
    import torch

    if not torch.cuda.is_available():
        return [f"cpu, {torch.get_num_threads()} threads of torch"], False
    return [
        f"cuda:{i} {torch.cuda.get_device_name(i)}, {torch.cuda.get_device_properties(i).total_memory / 2**30:.0f} GiB"
        for i in range(torch.cuda.device_count())
    ], True


def _sandbox() -> tuple[dict[str, str], list[Problem]]:
    try:
        with Sandbox(Profile(entry_point="strategy"), require=()) as sandbox:
            layers = sandbox.layers
    except SandboxError as error:
        return {}, [Problem(f"no program can be run: {error}", "report this with the output of envrl doctor")]
    machine = look()
    mends = {layer: mend(layer, reason, machine).text for layer, reason in layers.items() if reason}
    named = {layer: f"{reason}: {mends[layer]}" if reason else "" for layer, reason in layers.items()}
    problems = [Problem(f"the sandbox lacks {layer}", mends[layer]) for layer in LEAST if layer in mends]
    return named, problems


class SandboxDiagnosis(NamedTuple):
    """What came of trying to break out of each layer.

    Attributes:
        proofs: of the layers and of what is always on; none where no program can be run at all.
        sound: programs may be run here.
        verdict: that, in a sentence.
    """

    proofs: list[Proof]
    sound: bool
    verdict: str


def diagnose_sandbox() -> SandboxDiagnosis:
    """Tries what each layer of the sandbox forbids; starts a zygote for each."""
    try:
        proofs = prove()
    except SandboxError as error:
        return SandboxDiagnosis([], False, f"No program can be run here: {error}.")
    return SandboxDiagnosis(proofs, *judge(proofs))


def judge(proofs: Sequence[Proof]) -> tuple[bool, str]:
    """Whether programs may be run under the layers that are proven, and that in a sentence."""
    least = f"(the least on Linux: {' + '.join(LEAST)})"
    if holes := [proof.layer for proof in proofs if proof.state is State.BROKEN]:
        return False, f"Programs may not be run here: what should hold does not ({', '.join(holes)})."
    active = [proof.layer for proof in proofs if proof.state is State.ACTIVE]
    if missing := [layer for layer in LEAST if layer not in active]:
        return False, f"Programs may not be run here, without {', '.join(missing)} {least}."
    without = [layer for layer in LAYERS if layer not in active]
    lacking = f", without {', '.join(without)}" if without else ""
    return True, f"Programs may be run here, under {', '.join(active)}{lacking} {least}."
