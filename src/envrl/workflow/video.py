"""Frames as a moving picture: GIF by Pillow, MP4 by imageio-ffmpeg."""

from __future__ import annotations

import importlib
import io
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envrl.errors import ConfigError, MissingExtraError, RunError
from envrl.runs import write_atomic
from envrl.workflow.scene import Frame

__all__ = ["MOST_FPS", "check_video", "text_picture", "write_video"]

MOST_FPS = 50.0
"""Frames a second; viewers slow down a GIF that asks for more."""

_NEEDS = {".gif": ("PIL", "Pillow"), ".mp4": ("imageio_ffmpeg", "imageio-ffmpeg")}
_LAST_SECONDS = 2.0  # for which the last frame is held
_LETTER = (11, 22)  # pixels of a character, width and height
_MARGIN = 12
_COLUMNS = 100
_AS_IT_IS: Any = {"drop_whitespace": False, "replace_whitespace": False}
_GROUND, _INK = (30, 33, 40), (235, 235, 235)

_Picture = NDArray[np.uint8]


def check_video(path: Path) -> None:
    """Refuses a video that could not be written, before anything is played.

    Raises:
        ConfigError: the file's ending names no format that is known.
        RunError: its folder does not exist.
        MissingExtraError: a package is missing.
    """
    if path.suffix.lower() not in _NEEDS:
        raise ConfigError(f"--video {path}: the ending {path.suffix!r} is no format: write a .gif or an .mp4")
    if not path.parent.is_dir():
        raise RunError(f"{path}: its folder does not exist")
    for module, name in (_NEEDS[".gif"], _NEEDS[path.suffix.lower()]):  # texts are drawn by Pillow for both
        try:
            importlib.import_module(module)
        except ImportError:
            raise MissingExtraError("video", name, f"--video {path}") from None


def write_video(path: Path, frames: Iterable[Frame], fps: float) -> None:
    """Writes frames one after the other, the last one for a while.

    Args:
        path: ending in .gif or .mp4.
        frames: at least one; texts are drawn, pictures are taken as they are. All get the size of the largest text,
            or of the first picture.
        fps: frames a second, at most `MOST_FPS`.

    Raises:
        RunError: the file cannot be written.
    """
    fps = min(fps, MOST_FPS)
    pictures = _pictures(iter(frames))
    first = next(pictures)
    held = _held(chain([first], pictures), round(_LAST_SECONDS * fps))
    data = _gif(held, fps) if path.suffix.lower() == ".gif" else _mp4(held, first, fps)
    write_atomic(path, data)


def _held(pictures: Iterator[_Picture], times: int) -> Iterator[_Picture]:
    last = None
    for last in pictures:
        yield last
    if last is not None:
        yield from repeat(last, times)


def _pictures(frames: Iterator[Frame]) -> Iterator[_Picture]:
    first = next(frames)
    if isinstance(first, str):
        texts = [_lines(text) for text in chain([first], map(str, frames))]  # pictures of all might fill the memory
        size = max(map(len, texts)), max(len(line) for lines in texts for line in lines)
        yield from (text_picture(lines, *size) for lines in texts)
        return
    height, width = (side + side % 2 for side in first.shape[:2])  # even sides, which video codecs ask for
    for frame in chain([first], frames):
        picture = np.zeros((height, width, 3), np.uint8)
        part = np.asarray(frame, np.uint8)[:height, :width]
        picture[: part.shape[0], : part.shape[1]] = part
        yield picture


def _lines(text: str) -> list[str]:
    """The lines of a text, long ones broken, without the colours that a terminal would show."""
    from rich.text import Text

    plain = Text.from_ansi(text).plain
    return [part for line in plain.splitlines() for part in textwrap.wrap(line, _COLUMNS, **_AS_IT_IS) or [""]] or [""]


def text_picture(lines: Sequence[str], rows: int, columns: int) -> _Picture:
    """A text as a picture, each character in a place of its own so that boards stay aligned.

    Args:
        lines: of the text.
        rows: lines that there is room for.
        columns: characters that a line has room for.

    Returns:
        uint8 of shape (height, width, 3), both even.
    """
    from PIL import Image, ImageDraw, ImageFont

    width, height = _LETTER
    size = (2 * _MARGIN + columns * width + columns * width % 2, 2 * _MARGIN + rows * height)
    field = Image.new("RGB", size, _GROUND)
    pen, font = ImageDraw.Draw(field), ImageFont.load_default(0.75 * height)
    for row, line in enumerate(lines):
        for column, letter in enumerate(line):
            if not letter.isspace():
                place = (_MARGIN + (column + 0.5) * width, _MARGIN + (row + 0.5) * height)
                pen.text(place, letter, _INK, font, anchor="mm")
    return np.asarray(field)


def _gif(pictures: Iterator[_Picture], fps: float) -> bytes:
    from PIL import Image

    images = map(Image.fromarray, pictures)
    target = io.BytesIO()
    next(images).save(target, "GIF", save_all=True, append_images=images, duration=round(1000 / fps), loop=0)
    return target.getvalue()


def _mp4(pictures: Iterator[_Picture], first: _Picture, fps: float) -> bytes:
    encoder: Any = importlib.import_module("imageio_ffmpeg")
    height, width, _ = first.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        writer = encoder.write_frames(str(path), (width, height), fps=fps, macro_block_size=2)
        writer.send(None)
        try:
            for picture in pictures:
                writer.send(np.ascontiguousarray(picture))
        finally:
            writer.close()
        return path.read_bytes()
