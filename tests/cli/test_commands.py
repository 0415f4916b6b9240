"""The commands, as a user types them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

import envrl as package
from envrl.config import load_config
from envrl.envs import environment_ids, find_task
from envrl.errors import SandboxError
from envrl.evaluation.sweeps import read_sweep
from envrl.sandbox import LAYERS
from envrl.sandbox.proof import ALWAYS, Proof, State

ROOT = Path(__file__).parents[2]
GREEDY = ROOT / "examples" / "greedy.py"
RECIPE = ROOT / "configs" / "2048" / "tiny-cpu.yaml"


def test_help_names_every_command(envrl):
    for flag in ("--help", "-h"):
        said = envrl(flag)
        assert said.code == 0
        for name in ("train", "eval", "envs", "warmstart", "doctor"):
            assert re.search(rf"^  {name} +\S", said.out, re.MULTILINE)


@pytest.mark.parametrize("name", ["train", "eval", "envs", "warmstart", "doctor"])
def test_every_command_has_its_help(envrl, name):
    said = envrl(name, "--help")
    assert said.code == 0
    assert re.match(rf"Usage: .*envrl {name} ", said.out)


def test_version(envrl):
    assert envrl("--version").out == f"envrl, version {package.__version__}\n"


# envrl envs


def test_envs_lists_every_environment(envrl):
    said = envrl("envs")
    assert said.code == 0
    assert all(env_id in said.out for env_id in environment_ids())
    assert "2048 on 4x4: tile 512 within 500 moves" in said.out


@pytest.mark.parametrize("name", ["2048", "envrl/2048-notebook-v0"])
def test_envs_shows_one_environment(envrl, name):
    said = envrl("envs", name)
    task = find_task(name)
    assert said.code == 0
    assert said.out.startswith(f"{task.id}  (version {task.version})\n{task.title}\nsuccess: {task.success}\n")
    assert " ".join(task.prompt("chat").split()) in " ".join(said.out.split())
    assert "limits: 0.25 s of CPU a call" in said.out
    for note in task.notes:
        assert note in " ".join(said.out.split())


# envrl doctor


def test_doctor_finds_nothing_wrong_here(envrl):
    said = envrl("doctor")
    assert said.code == 0, said.out
    assert said.out.rstrip().endswith("nothing is wrong")
    for word in ("python", "torch", "trl", "sandbox seccomp", "device"):
        assert word in said.out


def test_doctor_names_a_problem_and_exits_with_1(envrl, monkeypatch):
    from envrl.workflow import doctor

    found = doctor.Diagnosis(
        {"python": "3"}, {"trl": "1.15.0", "vllm": None}, ["cpu"], {"seccomp": "refused [bold]"},
        [doctor.Problem("TRL fails", 'pip install "trl==1.16.0"')],
    )  # fmt: skip
    monkeypatch.setattr(doctor, "diagnose", lambda: found)
    said = envrl("doctor")
    assert said.code == 1
    assert 'problem: TRL fails\n   mend: pip install "trl==1.16.0"' in said.out
    assert "not in force (refused [bold])" in said.out
    assert "not installed" in said.out


def test_doctor_mentions_the_proofs_of_the_sandbox(envrl):
    assert "envrl doctor --sandbox" in envrl("doctor").out


def test_doctor_tries_every_layer_of_the_sandbox(envrl):
    said = envrl("doctor", "--sandbox")
    assert said.code == 0, said.out
    rows = {cells[1].strip(): cells for line in said.out.splitlines() if len(cells := re.split("[│┃]", line)) == 6}
    assert list(rows) == ["layer", *LAYERS, *ALWAYS]
    assert rows["seccomp"][2].strip() == "active"
    assert rows["seccomp"][3].strip() == "socket()"
    assert rows["seccomp"][4].strip().endswith("without it: got a socket")
    assert said.out.splitlines()[-1].startswith("Programs may be run here, under ")


def test_doctor_says_why_a_layer_is_missing_and_what_would_help(envrl, monkeypatch):
    from envrl.workflow import doctor

    found = [
        Proof("limits", State.ACTIVE, "memory", "none; without it: some [bold]"),
        Proof("seccomp", State.NOT_AVAILABLE, "socket()", "", "Invalid argument", "needs CONFIG_SECCOMP_FILTER=y"),
        Proof("landlock", State.SWITCHED_OFF, "open", "", "Operation not supported", "boot with lsm=landlock"),
    ]
    monkeypatch.setattr(doctor, "prove", lambda: found)
    said = envrl("doctor", "--sandbox")
    assert said.code == 1
    assert "some [bold]" in said.out
    assert "seccomp is not available: Invalid argument\n   mend: needs CONFIG_SECCOMP_FILTER=y\n" in said.out
    assert "landlock is switched off: Operation not supported\n   mend: boot with lsm=landlock\n" in said.out
    assert said.out.splitlines()[-1].startswith("Programs may not be run here, without no_new_privs, seccomp ")


def test_doctor_says_where_no_program_can_be_run_at_all(envrl, monkeypatch):
    from envrl.workflow import doctor

    def refuse():
        raise SandboxError("programs run confined on Linux only")

    monkeypatch.setattr(doctor, "prove", refuse)
    said = envrl("doctor", "--sandbox")
    assert said.code == 1
    assert said.out == "No program can be run here: programs run confined on Linux only.\n"


# envrl eval


def test_eval_prints_a_rate_with_its_interval_and_keeps_every_episode(envrl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = envrl("eval", "--env", "2048", "--strategy", GREEDY, "--seeds", "20")
    assert said.code == 0, said.err
    found = re.search(r"episodes won .* (\d+\.\d) % \((\d+\.\d) to (\d+\.\d)\)", said.out)
    assert found, said.out
    rate, low, high = map(float, found.groups())
    assert low <= rate <= high
    assert "test 0:20" in said.out
    assert "tile 512 within 500 moves" in said.out
    (kept,) = (tmp_path / "sweeps").iterdir()
    assert kept.name.startswith("2048-")
    assert f"sweeps/{kept.name}/report.html" in said.out
    assert {"report.json", "report.md", "report.html"} <= {path.name for path in kept.iterdir()}
    sweep = read_sweep(kept)
    assert sweep.finished
    assert len(sweep.episodes[0]) == 20
    assert sweep.header.command == f"envrl eval --env 2048 --strategy {GREEDY} --seeds 20"


def test_eval_takes_options_of_the_environment_and_writes_json_and_junit(envrl, tmp_path):
    said = envrl(
        "eval", "--strategy", GREEDY, "--seeds", "5:9", "--set", "target=32", "--set", "horizon=90",
        "--block", "validation", "--workers", "1", "--output", tmp_path / "s", "--json", tmp_path / "r.json",
        "--junit", tmp_path / "j.xml", "--fail-under", "success=0.1", "--fail-under", "progress=0.2",
    )  # fmt: skip
    assert said.code == 0, said.err
    sweep = read_sweep(tmp_path / "s")
    assert [e.index for e in sweep.episodes[0]] == [5, 6, 7, 8]
    header = sweep.header
    assert (header.options["target"], header.options["horizon"], header.block) == (32, 90, "validation")
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["sides"][0]["success"]["estimate"] == sweep.wins().mean()
    assert [gate["passed"] for gate in written["gates"]] == [True, True]
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    assert said.out.count("its lower end reaches") == 2


def test_eval_fails_under_a_gate_by_the_lower_end_of_the_interval(envrl, tmp_path):
    # All ten games are won, which says no more than 72 %.
    said = envrl(
        "eval", "--strategy", GREEDY, "--seeds", "10", "--set", "target=16", "--workers", "1", "--no-keep",
        "--fail-under", "success=0.8", "--junit", tmp_path / "j.xml",
    )  # fmt: skip
    assert said.code == 1
    assert said.err == ""
    assert "its lower end does not reach 0.8" in said.out
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()[0]
    assert suite.get("failures") == "1"
    assert "does not reach 0.8" in suite.find("testcase/failure").get("message")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j.xml"]


def test_eval_goes_on_with_a_sweep(envrl, tmp_path):
    first = envrl("eval", "--strategy", GREEDY, "--seeds", "4", "--workers", "1", "--output", tmp_path / "s")
    again = envrl("eval", "--resume", tmp_path / "s", "--workers", "1")
    assert (first.code, again.code) == (0, 0)
    assert "nothing is left to play" in again.out
    rate = next(line for line in first.out.splitlines() if "episodes won" in line)
    assert rate in again.out


def test_eval_plans(envrl):
    said = envrl("eval", "--plan", "--width", "0.05")
    assert said.code == 0
    assert "1,533 seeds" in said.out


def test_eval_shows_each_of_several_strategies_and_gates_each(envrl, tmp_path):
    (tmp_path / "first.py").write_text("def strategy(board):\n    return legal(board)[0]\n")
    (tmp_path / "none.py").write_text("def strategy(board):\n    return 'x'\n")
    said = envrl(
        "eval", "--strategy", tmp_path, "--seeds", "6", "--set", "target=16", "--workers", "1", "--no-keep",
        "--fail-under", "success=0.3",
    )  # fmt: skip
    assert said.code == 1
    assert "2 strategies" in said.out
    assert re.search(r"first\.py .* 100\.0 %", said.out), said.out
    assert re.search(r"none\.py .* 0\.0 %", said.out)
    assert said.out.count("its lower end reaches 0.3") == 1
    assert said.out.count("its lower end does not reach 0.3") == 1


def test_eval_shows_the_first_fault_of_each_kind_escaped(envrl, tmp_path):
    path = tmp_path / "s.py"
    path.write_text('def strategy(board):\n    raise ValueError("\\x1b[31m[bold]red\\u202e")\n')
    said = envrl("eval", "--strategy", path, "--seeds", "3", "--workers", "1", "--no-keep")
    assert said.code == 0
    assert re.search(r"exception .* 100\.0 %", said.out)
    assert said.out.count("first exception: seed 0, call 0: line 2: ValueError: ") == 1
    assert "[bold]red" in said.out, "rich has read the strategy's words as markup"
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out


# envrl train


def test_print_config_shows_every_value_with_its_origin_and_reads_back(envrl, tmp_path):
    said = envrl("train", "--env", "2048", "--steps", "9", "--seed", "3", "--print-config", "learning_rate=1e-3")
    assert said.code == 0, said.err
    path = tmp_path / "c.yaml"
    path.write_text(said.out)
    config = load_config(path).config
    assert (config.train.max_steps, config.train.seed, config.train.learning_rate) == (9, 3, 1e-3)
    assert config.env.id == "2048"
    assert "max_steps: 9  # command line" in said.out
    assert re.search(r"num_generations: 64  # .*tiny-cpu\.yaml:\d+", said.out)
    assert "dtype: auto  # default" in said.out


def test_a_config_file_and_overrides_may_stand_alone(envrl):
    for arguments in ([RECIPE], [RECIPE, "train.seed=5"], ["--env", "2048", "train.seed=5"]):
        said = envrl("train", *arguments, "--print-config")
        assert said.code == 0, said.err
        assert ("seed: 5" in said.out) == ("train.seed=5" in arguments)


def test_options_reach_the_configuration(envrl):
    said = envrl(
        "train", RECIPE, "--model", "org/model", "--backend", "unsloth", "--generation", "vllm", "--name", "x",
        "--print-config", "method.entropy_coef=0", "method.tail_coef=0", "method.max_kl=null",
    )  # fmt: skip
    for line in ("path: org/model", "backend: unsloth", "generation: vllm", "name: x"):
        assert f"{line}  # command line" in said.out, said.err


def test_an_option_is_taken_as_it_was_typed(envrl):
    said = envrl("train", RECIPE, "--name", "007", "--success", "return >= 475 # or so", "--print-config")
    assert said.code == 0, said.err
    assert 'name: "007"' in said.out
    assert 'success: "return >= 475 # or so"' in said.out


SHORT = [
    "--steps", "2", "train.warmup_steps=0", "train.per_device_train_batch_size=2", "train.save_steps=1",
    "method.num_generations=2", "method.max_completion_length=96", "env.episodes=1", "env.options.target=32",
    "env.options.horizon=30", "eval.samples=2", "eval.seeds=2", "eval.validation_seeds=2", "eval.best_of=2",
    "sandbox.workers=1", "method.num_iterations=1",
]  # fmt: skip


def test_train_and_a_killed_run_that_is_resumed(envrl, tmp_path):
    run = tmp_path / "run"
    training = subprocess.Popen(
        [sys.executable, "-m", "envrl", "train", "--env", "2048", *SHORT, "--steps", "500", "--name", "run",
         f"output.root={tmp_path}"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    with training:
        patience = time.monotonic() + 200
        while not (run / "checkpoints" / "checkpoint-1" / "COMPLETE.json").exists():
            assert training.poll() is None, training.stdout.read()
            assert time.monotonic() < patience, "no checkpoint in 200 s"
            time.sleep(0.05)
        training.send_signal(signal.SIGKILL)
        output = training.stdout.read()
    assert "Traceback" not in output
    assert "measuring before done in" in output

    # As many steps as a user has the patience for: the run's own configuration says how many.
    steps = 3 + max(int(p.name.rpartition("-")[2]) for p in (run / "checkpoints").glob("checkpoint-*"))
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("max_steps: 500", f"max_steps: {steps}"))
    refused = envrl("train", "--env", "2048", *SHORT, "--name", "run", f"output.root={tmp_path}")
    assert refused.code == 2
    assert "already holds a run; continue it with --resume" in refused.err

    drifted = envrl("train", "--resume", run)
    assert drifted.code == 2
    assert f"train.max_steps: 500 when it began, {steps} now" in drifted.err
    said = envrl("train", "--resume", run, "--allow-drift", "train.max_steps")
    assert said.code == 0, said.err
    assert "resuming" in said.out
    assert f"Full report: {run / 'report.html'}" in said.out.replace("\n", "")
    assert "difference" in said.out
    assert said.out.count("program") >= 3
    steps_done = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps_done == list(range(1, steps + 1))
    assert json.loads((run / "status.json").read_text())["state"] == "finished"


# envrl warmstart


def test_warmstart_writes_a_model(envrl, tmp_path):
    said = envrl(
        "warmstart", "--output", tmp_path / "model", "--steps", "1", "--examples", "25", "--seed", "7", "--workers", "1"
    )
    assert said.code == 0, said.err
    assert re.search(r"^\d+ programs \(\d+ left out, which won more than 40%\)", said.out, re.MULTILINE)
    recipe = json.loads((tmp_path / "model" / "recipe.json").read_text())
    assert (recipe["recipe"]["seed"], recipe["recipe"]["examples"]) == (7, 25)
    assert f"recipe {recipe['recipe_hash']}" in said.out
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_ctrl_c_ends_with_130_and_a_word(envrl, monkeypatch):
    from envrl.workflow import doctor

    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "diagnose", stop)
    said = envrl("doctor")
    assert said.code == 130
    assert said.err.strip() == "stopped"


def test_a_bug_of_ours_keeps_its_traceback(envrl, monkeypatch):
    from envrl.workflow import doctor

    monkeypatch.setattr(doctor, "diagnose", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        envrl("doctor")
