"""Makes the data of the tiny stage recipes: programs of the tiny model's grammar, played and ranked.

    .venv/bin/python configs/tiny/data/make_data.py

The same files every time. Programs are drawn by a seed that the warm start does not use, and play seeds that no
training and no evaluation uses.
"""

from __future__ import annotations

import json
from pathlib import Path

from envrl.envs import Task, find_task
from envrl.rollouts import Arena, Assignment, fenced
from envrl.seeding import episode_seeds

FOLDER = Path(__file__).parent
SEED, PROGRAMS, GAMES = 77, 400, 8
HELD_OUT = 5  # every fifth row


def ranked(task: Task) -> list[str]:
    """Distinct programs, spoiled ones among them, from the strongest to the weakest."""
    sources = list(dict.fromkeys(example.source for example in task.examples(PROGRAMS, SEED)))
    games = tuple(range(GAMES))
    seeds = tuple(episode_seeds(f"{task.id}/{task.version}/tiny-stage-data", "train", games))
    with Arena(task) as arena:
        cards = arena.play([Assignment(source, games, seeds) for source in sources])
    strength = {
        source: (card.outcome is None, card.success, card.progress, sum(e.score for e in card.episodes))
        for source, card in zip(sources, cards, strict=True)
    }
    return sorted(sources, key=lambda source: (strength[source], source), reverse=True)


def write(name: str, rows: list[dict[str, object]]) -> None:
    """A file to train on, and one that is held out."""
    for part, kept in (("train", lambda i: i % HELD_OUT), ("eval", lambda i: not i % HELD_OUT)):
        lines = [json.dumps(row) for place, row in enumerate(rows) if kept(place)]
        (FOLDER / f"{name}-{part}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    task = find_task("2048", {"target": 512, "horizon": 500})
    programs = ranked(task)
    part = 2 * len(programs) // 5
    prompt = [{"role": "user", "content": task.prompt("tiny")}]

    def said(source: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": fenced(source)}]

    strong, weak = programs[:part], programs[-part:]  # what stands between is neither
    write("texts", [{"text": source} for source in strong])
    write("chats", [{"messages": prompt + said(source)} for source in strong])
    write(
        "pairs", [{"prompt": prompt, "chosen": said(a), "rejected": said(b)} for a, b in zip(strong, weak, strict=True)]
    )
    labelled = [(source, True) for source in strong] + [(source, False) for source in weak]
    write("labels", [{"prompt": prompt, "completion": said(a), "label": good} for a, good in labelled])


if __name__ == "__main__":
    main()
