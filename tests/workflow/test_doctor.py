"""The doctor names what is wrong, with the line that mends it."""

from __future__ import annotations

import pytest

from envrl.errors import SandboxError
from envrl.sandbox import LAYERS, LEAST
from envrl.sandbox.mending import look, mend
from envrl.sandbox.proof import ALWAYS, Proof, State
from envrl.workflow import doctor
from envrl.workflow.doctor import Problem, diagnose, diagnose_sandbox, find_problems, installed, judge

GOOD = {
    "torch": "2.13.0",
    "transformers": "5.17.0",
    "trl": "1.16.0",
    "datasets": "4.8.0",
    "jinja2": "3.1.6",
    "unsloth": None,
    "vllm": None,
}
GPU = 'pip install -c constraints/gpu.txt "envrl['


def problems(cuda=False, **versions):
    return find_problems({**GOOD, **versions}, cuda)


def test_a_good_set_of_versions_has_no_problem():
    assert problems() == []
    assert problems(cuda=True) == []
    assert problems(cuda=True, unsloth="2026.10.7", trl="1.15.0", vllm="0.31.2") == []


def test_trl_that_fails_without_a_gpu():
    (problem,) = problems(trl="1.15.0")
    assert "without a GPU" in problem.what
    assert problem.mend == 'pip install "trl==1.16.0"'
    assert problems(trl="1.15.0", cuda=True) == []


@pytest.mark.parametrize(
    ("versions", "what", "mend"),
    [
        ({"trl": "1.13.2"}, "TRL older than 1.14", 'pip install "trl>=1.14,!=1.15.0"'),
        ({"unsloth": "2026.10.7", "trl": "1.15.0", "transformers": "5.23.0"}, "transformers 5.17.0", GPU + 'unsloth]"'),
        ({"unsloth": "2026.10.7"}, "Unsloth needs TRL 1.15.0 or older", GPU + 'unsloth]"'),
        ({"unsloth": "2026.10.7", "trl": "1.15.0", "datasets": "5.0.0"}, "datasets older than 5", GPU + 'unsloth]"'),
        ({"unsloth": "2026.10.7", "trl": "1.15.0", "datasets": "4.5.0"}, "datasets 4.4 and 4.5", GPU + 'unsloth]"'),
        ({"unsloth": "2026.10.7", "trl": "1.15.0", "torch": "2.15.0"}, "torch older than 2.15", GPU + 'unsloth]"'),
        ({"vllm": "0.31.0", "torch": "2.14.0+cu130"}, "vLLM 0.31 needs torch 2.13.0", GPU + 'vllm]"'),
        ({"vllm": "0.32.0"}, "vLLM up to 0.31", GPU + 'vllm]"'),
        ({"vllm": "0.30.1"}, "does not work with torch 2.13", GPU + 'vllm]"'),
        ({"vllm": "0.31.0", "transformers": "5.18.0"}, "transformers older than 5.18", GPU + 'vllm]"'),
    ],
)
def test_known_bad_combinations_name_the_line_that_mends_them(versions, what, mend):
    (problem,) = problems(cuda=True, **versions)
    assert what in problem.what
    assert problem.mend == mend


def test_builds_and_pre_releases_of_a_version_are_that_version():
    assert len(problems(trl="1.15.0", torch="2.13.0+cpu")) == 1
    assert len(problems(cuda=True, vllm="0.30.0rc1", torch="2.13.0+cu130")) == 1


@pytest.mark.parametrize(
    ("missing", "extra"),
    [(("torch",), "train"), (("trl", "datasets"), "train"), (("jinja2",), "report")],
)
def test_missing_parts_name_their_extra(missing, extra):
    (problem,) = problems(**dict.fromkeys(missing))
    assert all(name in problem.what for name in missing)
    assert problem.mend == f'pip install "envrl[{extra}]"'


def test_versions_that_nobody_asked_for_are_no_problem():
    assert len(find_problems({}, cuda=False)) == 2


def test_installed_knows_what_is_here_and_what_is_not():
    import numpy

    versions = installed()
    assert versions["numpy"] == numpy.__version__
    assert versions["envrl"]
    assert {"torch", "trl", "unsloth", "vllm"} <= set(versions)


def test_this_machine_is_well():
    diagnosis = diagnose()
    assert diagnosis.problems == []
    assert set(diagnosis.machine) == {"python", "system", "cores", "memory"}
    assert set(diagnosis.layers) == set(LAYERS)
    assert all(diagnosis.layers[layer] == "" for layer in ("limits", "no_new_privs", "seccomp"))
    for layer, reason in diagnosis.layers.items():
        assert not reason or reason.endswith(mend(layer, reason.partition(": ")[0], look()).text)
    assert diagnosis.devices


def test_a_sandbox_that_does_not_start_is_a_problem(monkeypatch):
    def refuse(*_, **__):
        raise SandboxError("no processes left")

    monkeypatch.setattr(doctor, "Sandbox", refuse)
    layers, found = doctor._sandbox()
    assert layers == {}
    (problem,) = found
    assert isinstance(problem, Problem)
    assert "no processes left" in problem.what


@pytest.mark.parametrize("missing", ["limits", "seccomp", "no_new_privs"])
def test_a_layer_of_the_least_that_is_missing_is_a_problem(monkeypatch, missing):
    class Weak:
        layers = dict.fromkeys(LAYERS, "") | {missing: "refused", "landlock": "refused"}

        def __init__(self, *_, **__): ...
        def __enter__(self):
            return self

        def __exit__(self, *_): ...

    monkeypatch.setattr(doctor, "Sandbox", Weak)
    layers, found = doctor._sandbox()
    assert [problem.what for problem in found] == [f"the sandbox lacks {missing}"]
    assert found[0].mend
    assert layers["landlock"].startswith("refused: ")


# --sandbox


def proofs(**states: State) -> list[Proof]:
    """Proofs of all layers and parts, active but for those named."""
    usual = dict.fromkeys(LAYERS, State.ACTIVE) | dict.fromkeys(ALWAYS, State.ALWAYS)
    return [Proof(layer, state, "tried") for layer, state in (usual | states).items()]


def test_programs_may_be_run_where_every_layer_is_in_force():
    sound, verdict = judge(proofs())
    assert sound
    assert verdict == (
        f"Programs may be run here, under {', '.join(LAYERS)} (the least on Linux: limits + no_new_privs + seccomp)."
    )


def test_programs_may_be_run_with_the_least():
    least = dict.fromkeys(LAYERS, State.NOT_AVAILABLE) | dict.fromkeys(LEAST, State.ACTIVE)
    sound, verdict = judge(proofs(**least | {"landlock": State.SWITCHED_OFF}))
    assert sound
    without = [layer for layer in LAYERS if layer not in LEAST]
    assert f"under limits, no_new_privs, seccomp, without {', '.join(without)} (the least" in verdict


@pytest.mark.parametrize("missing", LEAST)
@pytest.mark.parametrize("state", [State.NOT_AVAILABLE, State.SWITCHED_OFF])
def test_no_program_may_be_run_without_one_of_the_least(missing, state):
    sound, verdict = judge(proofs(**{missing: state}))
    assert not sound
    assert verdict.startswith(f"Programs may not be run here, without {missing} (the least on Linux: ")


@pytest.mark.parametrize("layer", ["seccomp", "landlock", "environment"])
def test_no_program_may_be_run_where_something_does_not_hold(layer):
    sound, verdict = judge(proofs(**{layer: State.BROKEN}))
    assert not sound
    assert verdict == f"Programs may not be run here: what should hold does not ({layer})."


def test_the_sandbox_of_this_machine_is_sound():
    diagnosis = diagnose_sandbox()
    assert [proof.layer for proof in diagnosis.proofs] == [*LAYERS, *ALWAYS]
    assert diagnosis.sound, diagnosis.verdict


def test_a_machine_that_runs_no_program_is_not_sound(monkeypatch):
    def refuse():
        raise SandboxError("programs run confined on Linux only")

    monkeypatch.setattr(doctor, "prove", refuse)
    assert diagnose_sandbox() == ([], False, "No program can be run here: programs run confined on Linux only.")
