"""Makes the rows from which a base model learns the format of an answer: a fenced program, and nothing else.

    .venv/bin/python configs/math/data/make_format.py

The same file every time. Programs are of the math task's own grammar, honest ones, for templates other than the one
that the recipes train on: what they teach is the fence and the signature, not the answer.
"""

from __future__ import annotations

import json
from pathlib import Path

from envrl.envs import find_task
from envrl.rollouts import fenced

FAMILIES = (
    "change ages work_together mixture savings meeting_trains heads_and_legs leaking_tank clock_angle gcd".split()
)
EACH = 6
SEED = 78


def main() -> None:
    rows = []
    for family in FAMILIES:
        task = find_task("math", {"family": family, "level": 1})
        assert task.examples is not None
        honest = dict.fromkeys(e.source for e in task.examples(10 * EACH, SEED) if not e.spoiled)
        for source in list(honest)[:EACH]:
            asked = {"role": "user", "content": task.prompt("chat")}
            rows.append({"messages": [asked, {"role": "assistant", "content": fenced(source)}]})
    path = Path(__file__).parent / "format.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
