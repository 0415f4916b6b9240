"""What does envrl add to a step of TRL's trainer, and what does playing ahead save of the sandbox's time?

Five sides take the same steps of GRPO on the tiny model, by the recipe of 2048, one after the other in each round:

- *bare TRL*: ``GRPOTrainer`` with a reward function that tosses a coin, as a script of ten lines would use it;
- *envrl, no games*: `envrl.trainers.grpo` with players that toss the same coin;
- *envrl, waiting*: the games are played, when all programs are written;
- *envrl, playing ahead*: finished programs are played while the model writes others;
- *envrl, the recipe*: with what TRL has not, and the other sides lack: the entropy of the tokens that are sampled,
  the term that presses on the rest, the bound on updates.

The learning rate is next to nothing, so that all of them sample the same completions; that they did is checked.

    python benchmarks/train_step.py [--quick] [--rounds 3] [--steps 10] [--json PATH]
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from _timing import Machine, show, write_json

from envrl.config import RunConfig, load_config
from envrl.envs import find_task
from envrl.models import LoadedModel, conversation, load_model, quiet_libraries
from envrl.outcomes import Outcome
from envrl.rewards import Players, Scored, Scorer, find_preset
from envrl.rollouts import Arena, Assignment, Episode, Scorecard
from envrl.trainers.grpo import _arguments, train_grpo
from envrl.trainers.play import PromptRow, prompt_rows

RECIPE = Path(__file__).parents[1] / "configs" / "2048" / "tiny-cpu.yaml"
SIDES = ("bare TRL", "envrl, no games", "envrl, waiting", "envrl, playing ahead", "envrl, the recipe")
BARE = ["method.entropy_coef=0", "method.tail_coef=0", "method.max_kl=null"]


def coin(text: str) -> float:
    return hashlib.sha256(text.encode()).digest()[0] / 255


class Coins:
    """Players that toss a coin."""

    def play(self, assignments: Sequence[Assignment], progress: Callable[[int], None] | None = None) -> list[Scorecard]:
        return [
            Scorecard(
                source=a.source,
                episodes=tuple(Episode(index=i, outcome=Outcome.FAILURE, progress=coin(a.source)) for i in a.indices),
            )
            for a in assignments
        ]

    def play_ahead(self, assignments: Sequence[Assignment] = ()) -> None:
        pass


class Notes:
    """Keeps the completions, and how the seconds of the steps were spent."""

    def __init__(self) -> None:
        self.completions: list[str] = []
        self.seconds: list[Mapping[str, float]] = []

    def scored(self, step: int, scored: Sequence[Scored]) -> None:
        self.completions += [one.completion for one in scored]

    def stepped(self, step: int, figures: Mapping[str, Any]) -> None:
        self.seconds.append(figures["seconds"])

    def saved(self, step: int, checkpoint: Path) -> None:
        pass


def bare(loaded: LoadedModel, config: RunConfig, rows: Sequence[PromptRow], output: Path) -> tuple[float, list[str]]:
    """Seconds, and completions, of TRL's own trainer."""
    from datasets import Dataset
    from trl import GRPOTrainer

    written: list[str] = []

    def toss(completions: list[Any], **_: Any) -> list[float]:
        texts = [completion[-1]["content"] for completion in completions]
        written.extend(texts)
        return [coin(text) for text in texts]

    trainer = GRPOTrainer(
        model=loaded.model,
        args=_arguments(config, output, "cpu", [1.0]),
        train_dataset=Dataset.from_dict({"prompt": [conversation(row.prompt) for row in rows]}),
        processing_class=loaded.tokenizer,
        reward_funcs=[toss],
    )
    began = time.perf_counter()
    trainer.train()
    return time.perf_counter() - began, written


def ours(
    players: Players, loaded: LoadedModel, config: RunConfig, rows: Sequence[PromptRow], output: Path
) -> tuple[float, list[str], float]:
    """Seconds, completions, and seconds for which the trainer waited for the sandbox."""
    notes = Notes()
    scorer = Scorer(players, "tiny", find_preset("envrl"), "train", "benchmark")
    began = time.perf_counter()
    train_grpo(loaded, config, rows, scorer, notes, output=output, device="cpu")
    waited = sum(seconds.get("sandbox", 0.0) for seconds in notes.seconds)
    return time.perf_counter() - began, notes.completions, waited


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of two steps")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    rounds, steps = (1, 2) if arguments.quick else (arguments.rounds, arguments.steps)

    import torch

    quiet_libraries()
    torch.set_num_threads(1)
    machine = Machine()
    task = find_task("2048")
    settings = [f"train.max_steps={steps}", f"train.save_steps={steps}", "train.learning_rate=1e-12"]
    whole: dict[str, list[float]] = {side: [] for side in SIDES}
    waits: dict[str, list[float]] = {side: [] for side in SIDES}
    with Arena(task) as arena, tempfile.TemporaryDirectory() as folder:
        arena.ready()
        for number in range(rounds):
            texts: dict[str, list[str]] = {}
            for side in SIDES:
                ahead = f"sandbox.play_ahead={str(side != 'envrl, waiting').lower()}"
                terms = [] if side == "envrl, the recipe" else BARE
                config = load_config(RECIPE, [*settings, *terms, ahead]).config
                rows = prompt_rows(config, task.prompt("tiny"))
                loaded = load_model(config.model, "cpu")
                output = Path(folder) / f"{side} {number}"
                if side == "bare TRL":
                    seconds, texts[side] = bare(loaded, config, rows, output)
                    waited = 0.0
                else:
                    players: Players = Coins() if side.endswith("no games") else arena
                    seconds, texts[side], waited = ours(players, loaded, config, rows, output)
                whole[side].append(seconds / steps)
                waits[side].append(waited / steps)
            if any(texts[side] != texts[SIDES[0]] for side in SIDES):
                raise SystemExit("the sides sampled different completions: their times cannot be compared")
    first = statistics.median(whole[SIDES[0]])
    table = []
    for side in SIDES:
        seconds, waited = statistics.median(whole[side]), statistics.median(waits[side])
        table.append([side, f"{seconds:.3f}", f"{seconds / first:.3f}", f"{waited:.3f}", f"{waited / seconds:.1%}"])
    print(f"GRPO on 2048, {rounds} rounds of {steps} steps (an update each, every second one with a batch of 64)")
    show(["side", "seconds a step", "over bare TRL", "of it waiting for the sandbox", "share"], table)
    print(machine.describe())
    write_json(arguments.json, "train_step", machine, {"steps": steps, "seconds": whole, "waiting": waits})


if __name__ == "__main__":
    main()
