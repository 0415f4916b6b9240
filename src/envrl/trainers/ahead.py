"""Programs are played while the model still writes others.

TRL asks for rewards when the whole batch is written, and waits for them; the longest completion holds up all others.
Here those that are finished go to the sandbox at once, on the cores that writing leaves idle. By the law of the solo
run their results are the same. Only transformers tells what it has written token by token; of vLLM and Unsloth nothing
is heard before the end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from envrl.models import LoadedModel
from envrl.rewards import Scorer

__all__ = ["PlayAhead"]


class PlayAhead:
    """Listens to a model that writes, and has finished programs played.

    Args:
        loaded: the model and its tokenizer.
        scorer: of the completions, on seeds of the train block.
        ends: tokens that end a completion.

    Attributes:
        seeds: indices that the completions of the next batch play, in the order in which they are generated.
    """

    def __init__(self, loaded: LoadedModel, scorer: Scorer, ends: Collection[int]) -> None:
        self._tokenizer = loaded.tokenizer
        self._scorer = scorer
        self._ends = ends
        self.seeds: Sequence[Sequence[int]] = ()

    @contextlib.contextmanager
    def listening(self, model: Any) -> Iterator[None]:
        """Has a model tell of each token that it generates."""
        from transformers import StoppingCriteriaList

        generate = model.generate

        def generate_and_tell(*args: Any, **options: Any) -> Any:
            criteria = StoppingCriteriaList([*options.pop("stopping_criteria", ()), self._listener()])
            return generate(*args, stopping_criteria=criteria, **options)

        model.generate = generate_and_tell
        try:
            yield
        finally:
            del model.generate  # of this object; its class's own is there again

    def _listener(self) -> Any:
        """What transformers calls after each token of a batch; it never stops anything."""
        import torch
        from transformers import StoppingCriteria

        seeds, ends, scorer, tokenizer = self.seeds, list(self._ends), self._scorer, self._tokenizer

        class Listener(StoppingCriteria):  # type: ignore[misc]
            def __init__(self) -> None:
                self.start = 0  # of the completions, behind the prompts
                self.writing = set(range(len(seeds)))

            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                count, length = input_ids.shape
                if count == len(seeds):
                    self.start = self.start or length - 1
                    ended = torch.isin(input_ids[:, -1], torch.tensor(ends, device=input_ids.device)).nonzero()
                    rows = [row for row in ended.flatten().tolist() if row in self.writing]
                    self.writing.difference_update(rows)
                    texts = [tokenizer.decode(input_ids[row, self.start :], skip_special_tokens=True) for row in rows]
                    scorer.play_ahead(texts, [seeds[row] for row in rows])
                return torch.zeros(count, dtype=torch.bool, device=input_ids.device)

        return Listener()
