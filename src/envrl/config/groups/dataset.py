"""The group ``dataset``: what the stages that do not play train on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from envrl.config.groups.base import Flag, Group, Text

__all__ = ["DatasetConfig"]


def _check_share(value: int | float) -> int | float:
    if isinstance(value, float) and value >= 1:
        raise ValueError("expected a whole number of rows, or a share of them below 1")
    return value


class DatasetConfig(Group):
    """What the stages that do not play train on."""

    path: list[Text] = Field(
        default_factory=list,
        description="files (.jsonl, .json, .parquet, .csv), folders, Hugging Face ids, or names in info",
    )
    eval_path: list[Text] = Field(default_factory=list, description="the same, of rows that are held out")
    info: Text | None = Field(default=None, description="a dataset_info.json, or the folder that has one")
    format: Literal["auto", "alpaca", "sharegpt", "openai", "trl"] = Field(
        default="auto", description="layout of a row; auto tells it from the columns"
    )
    split: Text = Field(default="train", description="split of a data set that has several")
    columns: dict[Text, Text] = Field(
        default_factory=dict, description="names of columns that differ from the format's, as theirs: yours"
    )
    template: Text | None = Field(
        default=None, description="chat template by name, or a file with one; null is the tokenizer's own"
    )
    max_length: int = Field(default=2048, ge=1, description="most tokens of a row; what is longer is cut, and counted")
    max_samples: int | None = Field(default=None, ge=1, description="most rows taken of each data set; null is all")
    val_size: Annotated[int | float, Field(ge=0), AfterValidator(_check_share)] = Field(
        default=0, description="rows that are held out of path, or their share below 1"
    )
    streaming: Flag = Field(default=False, description="read rows as they are needed, not all at the start")
    mix_strategy: Literal["concat", "interleave_under", "interleave_over"] = Field(
        default="concat", description="how several data sets are put together; under stops with the shortest"
    )
    preprocessing_num_workers: int | None = Field(
        default=None, ge=1, description="processes that prepare rows; null is this one"
    )
