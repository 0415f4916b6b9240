"""What a user can get wrong: exit code 2, one clear message on stderr, no traceback."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envrl.rollouts import Arena
from envrl.runs import RunDirectory
from envrl.sandbox import LAYERS

ROOT = Path(__file__).parents[2]
GREEDY = ROOT / "examples" / "greedy.py"
SMALL = ("method.num_generations=2", "train.per_device_train_batch_size=2", "eval.samples=1", "sandbox.workers=1")


def one_line(message: str) -> str:
    assert message.startswith("error: ")
    assert message.count("\n") == 1, message
    return message


# environments


@pytest.mark.parametrize("command", [("train", "--env"), ("envs",), ("eval", "--strategy", GREEDY, "--env")])
def test_an_unknown_environment_is_answered_with_the_nearest_names(refused, command):
    assert one_line(refused(*command, "204")) == "error: unknown environment '204': did you mean 2048?\n"
    assert "envrl/2048-notebook-v0" in one_line(refused(*command, "envrl/2048-notbook-v0"))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("targt=64", ["'targt'", "did you mean target"]),
        ("target=100", ["100", "power of two"]),
        ("size=2", ["size 2", "3 to 8"]),
    ],
)
def test_an_option_that_makes_no_game(refused, setting, words):
    message = one_line(refused("eval", "--strategy", GREEDY, "--set", setting))
    assert all(word in message for word in words), message


@pytest.mark.parametrize("setting", ["target", "target=", "target=x", "target=1.5", "target=²", "target=--5", "=5"])
def test_a_setting_that_is_no_number(refused, setting):
    message = refused("eval", "--strategy", GREEDY, "--set", setting)
    assert "Error: " in message or message.startswith("error: ")


# models


@pytest.mark.parametrize("path", ["./no/model", "/no/model", "envrl-tests/no-such-model"])
def test_an_unknown_model(refused, tmp_path, path):
    message = one_line(
        refused("train", "--env", "2048", "--model", path, "learning_rate=1e-6", f"output.root={tmp_path}", *SMALL)
    )  # fmt: skip
    assert f"model.path {path!r}" in message


# configuration


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        Path("c.yaml").write_text(text)
        return "c.yaml"

    return write


def test_an_unknown_key_is_placed_and_answered_with_the_nearest(refused, config):
    message = one_line(refused("train", config("env:\n  id: 2048\ntrain:\n  max_stepz: 3\n")))
    assert message.startswith("error: c.yaml:4:3: train.max_stepz: ")
    assert "did you mean" in message
    assert "max_steps" in message


def test_an_unknown_key_on_the_command_line(refused):
    message = one_line(refused("train", "--env", "2048", "train.learning_rat=1e-4"))
    assert "command line: train.learning_rat" in message
    assert "learning_rate" in message


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("train:\n  max_steps: many\n", "c.yaml:2:14: train.max_steps", ["whole number", "many"]),
        ("train:\n  max_steps: '80'\n", "c.yaml:2:14: train.max_steps", ["whole number"]),
        ("env:\n  episodes: 0\n", "c.yaml:2:13: env.episodes", ["at least 1"]),
        ("train:\n  bf16: maybe\n", "c.yaml:2:9: train.bf16", ["true or false", "maybe"]),
        ("eval:\n  seeds: all\n", "c.yaml:2:10: eval.seeds", ["all"]),
        ("eval:\n  block: train\n", "c.yaml:2:10: eval.block", ["test"]),
    ],
)
def test_a_value_of_the_wrong_type_is_placed_and_shown(refused, config, text, place, words):
    message = one_line(refused("train", config(text)))
    assert message.startswith(f"error: {place}: ")
    assert all(word in message for word in words), message


def test_groups_that_do_not_fill_the_batch_are_answered_with_the_values_that_would(refused):
    message = one_line(refused("train", "--env", "2048", "method.num_generations=24"))
    assert "num_generations" in message
    assert "set method.num_generations to 2 or 4 or 8 or 16 or 32 or 64" in message
    assert "per_device_train_batch_size to" in message


def test_everything_that_is_wrong_is_said_at_once(refused, config):
    message = refused("train", config("train:\n  max_stepz: 3\n  seed: x\nmethod:\n  beta: -1\n"))
    assert message.count("\n") == 3
    assert all(line in message for line in ("c.yaml:2:3", "c.yaml:3:9", "c.yaml:5:9"))


def test_a_configuration_that_is_not_there_or_no_yaml(refused, config, tmp_path):
    assert "missing.yaml" in one_line(refused("train", "missing.yaml"))
    assert "c.yaml" in refused("train", config("train: [1\n"))
    assert str(tmp_path) in one_line(refused("train", tmp_path))


def test_nothing_to_train_on(refused):
    assert "--env 2048" in one_line(refused("train"))


# sandbox layers


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("[limits, secomp]", ["c.yaml:2:21: sandbox.require.1: ", "('secomp' met)", "did you mean seccomp?"]),
        ("[sandboxing]", ["c.yaml:2:13: sandbox.require.0: ", "write one of language, limits, "]),
        ("landlock", ["c.yaml:2:12: sandbox.require: ", "write require: [landlock]"]),
    ],
)
def test_a_layer_that_there_is_not_is_placed_and_answered_with_the_nearest(refused, config, named, words):
    message = one_line(refused("train", config(f"sandbox:\n  require: {named}\n")))
    assert all(word in message for word in words), message


def test_a_layer_that_there_is_not_on_the_command_line(refused):
    message = one_line(refused("train", "--env", "2048", "sandbox.require=[landlok]"))
    assert "command line: sandbox.require" in message
    assert "did you mean landlock?" in message


@pytest.fixture
def without(monkeypatch):
    """Has a command run on a machine without some layers."""

    def call(*missing):
        layers = [layer for layer in LAYERS if layer not in missing]
        for module in ("rollouts.runners", "workflow.course"):
            monkeypatch.setattr(f"envrl.{module}.Arena", functools.partial(Arena, layers=layers), raising=False)

    return call


def test_a_run_does_not_start_without_a_layer_that_it_requires(refused, without, tmp_path):
    without("landlock")
    settings = ("sandbox.require=[limits,landlock]", f"output.root={tmp_path}", *SMALL)
    message = one_line(refused("train", "--env", "2048", *settings))
    assert message == (
        "error: the sandbox lacks required layers: landlock (switched off); "
        "run 'envrl doctor --sandbox', or name fewer layers in sandbox.require\n"
    )
    assert not list(tmp_path.iterdir())


def test_no_program_is_measured_without_the_layers_that_every_program_needs(refused, without):
    without("seccomp")
    message = one_line(refused("eval", "--strategy", GREEDY, "--seeds", "2", "--workers", "1"))
    assert message.startswith("error: the sandbox lacks required layers: seccomp (switched off); ")


def test_a_layer_that_eval_is_told_to_require_is_required(refused, without):
    without("landlock")
    message = one_line(refused("eval", "--strategy", GREEDY, "--seeds", "2", "--workers", "1", "--require", "landlock"))
    assert "landlock (switched off)" in message


# seeds


def test_the_seeds_that_runs_train_on(refused):
    message = one_line(refused("eval", "--strategy", GREEDY, "--block", "train"))
    assert "overlap training" in message
    assert "--block test" in message


@pytest.mark.parametrize("seeds", ["0", "many", "5:1", "-3"])
def test_seeds_that_are_none(refused, seeds):
    assert repr(seeds) in one_line(refused("eval", "--strategy", GREEDY, "--seeds", seeds))


def test_an_unknown_block(refused):
    assert "did you mean final" in one_line(refused("eval", "--strategy", GREEDY, "--block", "finals"))


# strategy files


def test_a_strategy_without_the_entry_point(refused, tmp_path):
    path = tmp_path / "s.py"
    path.write_text("def play(board):\n    return 'W'\n")
    message = one_line(refused("eval", "--strategy", path, "--seeds", "2", "--workers", "1"))
    assert message == f"error: {path}: defines no function strategy(…), which envrl/2048-v0 calls\n"


def test_a_strategy_that_is_not_there(refused, tmp_path):
    assert "cannot be read" in one_line(refused("eval", "--strategy", tmp_path / "missing.py"))
    assert "this folder holds no strategy" in one_line(refused("eval", "--strategy", tmp_path))


def test_a_strategy_that_does_not_compile_cannot_paint_the_terminal(refused, tmp_path):
    path = tmp_path / "s.py"
    path.write_text("def strategy(board):\n    return \x1b[31m\n")
    message = one_line(refused("eval", "--strategy", path, "--seeds", "2", "--workers", "1"))
    assert "cannot be played (syntax_error)" in message
    assert "\x1b" not in message


def test_nothing_to_measure_and_too_much(refused):
    assert "--strategy FILE" in one_line(refused("eval"))
    assert "not --strategy and --model" in one_line(refused("eval", "--strategy", GREEDY, "--model", "tiny"))


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("success", "write FIGURE=NUMBER"),
        ("success=high", "write FIGURE=NUMBER"),
        ("success=nan", "write FIGURE=NUMBER"),
        ("success=40", "lies between 0 and 1"),
        ("succes=0.4", "did you mean success"),
    ],
)
def test_a_gate_that_is_none(refused, gate, words):
    assert words in one_line(refused("eval", "--strategy", GREEDY, "--fail-under", gate))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--resume", "no"), "no: not a sweep (no such directory)"),
        (("--resume", "no", "--seeds", "3"), "--resume takes no --seeds"),
        (("--strategy", GREEDY, "--json", "nowhere/x.json"), "--json nowhere/x.json: there is no folder nowhere"),
        (("--strategy", GREEDY, "--junit", "nowhere/x.xml"), "--junit nowhere/x.xml: there is no folder nowhere"),
        (("--strategy", GREEDY, "--junit", "/"), "--junit /: is a folder"),
        (("--strategy", GREEDY, "--export", "inspect", GREEDY), f"{GREEDY} is no folder"),
        (("--plan",), "--plan needs the width"),
        (("--plan", "--width", "2"), "--width 2"),
        (("--plan", "--width", "0.1", "--strategy", "x.py"), "--plan takes no --strategy"),
        (("--width", "0.1"), "--width goes with --plan"),
        (("--completions", "no.jsonl"), "no.jsonl: cannot be read"),
        (("--completions", "no.jsonl", "--contract", "chatt"), "unknown output contract 'chatt': did you mean chat?"),
        (("--run", "no"), "no: no such run directory"),
        (("--strategy", GREEDY, "--output", "x", "--no-keep"), "--output and --no-keep exclude each other"),
        (("--strategy", GREEDY, "--output", __file__), "is no folder"),
        (("--strategy", GREEDY, "--ray-address", "auto"), "the runner is 'local'"),
        (("--strategy", GREEDY, "--set", "2x=3"), "environment: options"),
        (("--model", "tiny", "--adapter", ""), "model: adapter"),
    ],
)
def test_an_evaluation_that_cannot_be_done(refused, options, words):
    assert words in refused("eval", *options)


# runs


def test_a_folder_that_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").write_text("")  # even root makes no folder below a file
    message = one_line(refused("train", "--env", "2048", f"output.root={tmp_path / 'file' / 'runs'}", *SMALL))
    assert "cannot be made" in message
    assert "output.root" in message


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission(refused, tmp_path):
    tmp_path.chmod(0o500)
    assert "cannot be made" in one_line(refused("train", "--env", "2048", f"output.root={tmp_path}", *SMALL))


@pytest.fixture
def held(tmp_path):
    """The directory of a run that was killed."""
    with RunDirectory.create(tmp_path, "held", "env:\n  id: 2048\n", {}) as run:
        run.update_status(state="running", step=3)
    return run.path


def test_a_directory_that_holds_a_run(refused, held):
    message = one_line(refused("train", "--env", "2048", "--name", "held", f"output.root={held.parent}", *SMALL))
    assert "already holds a run; continue it with --resume (output.resume)" in message
    assert "or choose another --name" in message


def test_a_name_that_is_no_name(refused):
    assert "output.name" in one_line(refused("train", "--env", "2048", "--name", "../elsewhere"))


def test_a_finished_run_is_not_resumed(refused, held):
    with RunDirectory.open(held) as run:
        run.update_status(state="finished")
    assert "this run is finished; its report is" in one_line(refused("train", "--resume", held))


def test_a_run_in_which_another_process_works_is_not_resumed(refused, held):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from envrl.runs import RunDirectory; run = RunDirectory.open(sys.argv[1]).acquire();"
            "print('ready', flush=True); sys.stdin.read()",
            held,
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout.readline() == "ready\n"
        assert f"process {holder.pid} works in this run" in one_line(refused("train", "--resume", held))
        holder.stdin.close()


def test_nothing_is_not_resumed(refused, tmp_path):
    assert "no such run directory" in one_line(refused("train", "--resume", tmp_path / "nothing"))
    assert "not a run" in one_line(refused("train", "--resume", tmp_path))


def test_a_run_is_resumed_as_it_is(refused, held):
    message = refused("train", held / "config.yaml", "--resume", held)
    assert "--resume goes on with a run under its own configuration" in message
    assert "--resume takes no --dry-run" in refused("train", "--resume", held, "--dry-run")


# extras


@pytest.mark.parametrize(("module", "extra"), [("torch", "train"), ("trl", "train"), ("jinja2", "report")])
def test_a_missing_extra_is_named(refused, monkeypatch, tmp_path, module, extra):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    message = one_line(refused("train", "--env", "2048", f"output.root={tmp_path}", *SMALL))
    assert f'pip install "envrl[{extra}]"' in message
    assert not list(tmp_path.iterdir())


def test_a_backend_that_is_not_installed_is_named(refused, monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "unsloth" else find(name, *rest)
    )
    bare = ["method.entropy_coef=0", "method.tail_coef=0", "method.max_kl=null"]
    command = ["train", "--env", "2048", "--backend", "unsloth", f"output.root={tmp_path}", *bare, *SMALL]
    message = one_line(refused(*command))
    assert 'pip install "envrl[unsloth]"' in message


# commands


@pytest.mark.parametrize(("typed", "meant"), [("trian", "train"), ("evaluate", "eval"), ("docter", "doctor")])
def test_an_unknown_command_is_answered_with_the_nearest(refused, typed, meant):
    assert f"no command '{typed}': did you mean {meant}?" in refused(typed)


def test_a_command_like_no_other_is_answered_with_all(refused):
    message = refused("xyzzy")
    assert all(name in message for name in ("train", "eval", "envs", "warmstart", "doctor"))


def test_an_unknown_option(refused):
    assert "--stpes" in refused("train", "--stpes", "3")


def test_the_same_holds_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "envrl", "eval", "--strategy", str(tmp_path / "no.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'no.py'}: cannot be read (No such file or directory)\n"
