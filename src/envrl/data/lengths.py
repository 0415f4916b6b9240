"""How long rows are in tokens: what does not fit is counted and named, never cut without a word."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from envrl.data.example import Unfit
from envrl.errors import ConfigError

__all__ = ["Lengths"]

_SHOWN = 3


@dataclass
class Lengths:
    """Measures rows with a tokenizer.

    Attributes:
        tokenizer: with the chat template that training uses.
        limit: most tokens of a row (``dataset.max_length``).
        scored: whether rows are for a reward model, which sees a row whole or not at all.
        rows: that were measured.
        longest: tokens of the longest row.
        prompts_over: rows whose prompt alone fills the limit; there is nothing left of them to train on.
        rows_over: rows that fit with their prompt but not as a whole; the trainer cuts their end, or they are left
            out where a model scores them.
        examples: places of some rows that are too long, with their tokens.
    """

    tokenizer: Any
    limit: int
    scored: bool = False
    rows: int = 0
    longest: int = 0
    prompts_over: int = 0
    rows_over: int = 0
    examples: list[tuple[str, int]] = field(default_factory=list)

    def measure(self, row: dict[str, Any], place: str) -> None:
        """Counts one row.

        Raises:
            Unfit: its prompt alone fills the limit, or the row does and must not be cut.
            ConfigError: the chat template cannot render it.
        """
        self.rows += 1
        tools = msgspec.json.decode(row["tools"]) if "tools" in row else None
        before = row.get("prompt", "")
        prompt = self._count(before, tools, place, prompt=True) if before else 0
        answers = [row[name] for name in ("text", "messages", "completion", "chosen", "rejected") if name in row]
        if self.scored:
            answers = [self._ended(answer) for answer in answers]
        whole = max(self._count(before + answer if before else answer, tools, place) for answer in answers)
        self.longest = max(self.longest, whole)
        if whole <= self.limit:
            return
        if len(self.examples) < _SHOWN:
            self.examples.append((place, whole))
        if prompt >= self.limit:
            self.prompts_over += 1
            raise Unfit("prompt longer than dataset.max_length", f"{prompt} tokens where {self.limit} fit")
        self.rows_over += 1
        if self.scored:  # TRL would leave it out without a word
            raise Unfit("longer than dataset.max_length", f"{whole} tokens where {self.limit} fit")

    def _ended(self, answer: Any) -> Any:
        """A side as it is scored: text ends with the token of the end, turns end as their template does."""
        end = self.tokenizer.eos_token
        return answer + end if isinstance(answer, str) and not answer.endswith(end) else answer

    def _count(self, turns: Any, tools: Any, place: str, prompt: bool = False) -> int:
        if isinstance(turns, str):
            return len(self.tokenizer(turns)["input_ids"])
        try:
            ids = self.tokenizer.apply_chat_template(turns, tools=tools, add_generation_prompt=prompt, return_dict=True)
        except Exception as error:  # jinja2's own, and whatever a template raises
            raise ConfigError(
                f"{place}: the chat template cannot render this row ({error}); set dataset.template to one that can"
            ) from None
        return len(ids["input_ids"])

    def words(self) -> list[str]:
        """What a person should know, a line each; none where everything fits."""
        said = []
        named = ", ".join(f"{place} ({tokens} tokens)" for place, tokens in self.examples)
        over = "are left out" if self.scored else "the trainer cuts their end"
        for count, what in (
            (self.prompts_over, f"have a prompt of {self.limit} tokens or more and are left out"),
            (self.rows_over, f"are longer than dataset.max_length {self.limit}; {over}"),
        ):
            if count:
                said.append(f"{count} of {self.rows} rows ({count / self.rows:.1%}) {what}; for example {named}")
        return said
