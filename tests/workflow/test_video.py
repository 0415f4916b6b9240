"""Frames become a moving picture."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from envrl.errors import ConfigError, MissingExtraError, RunError
from envrl.workflow.video import check_video, text_picture, write_video


def frames_of(path: Path) -> list[np.ndarray[Any, Any]]:
    with Image.open(path) as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
        return found


def test_pictures_become_a_gif_frame_by_frame(tmp_path):
    path = tmp_path / "out.gif"
    pictures = [np.full((20, 30, 3), colour, np.uint8) for colour in (0, 120, 255)]
    write_video(path, iter(pictures), fps=10)
    found = frames_of(path)
    assert [frame.shape for frame in found] == [(20, 30, 3)] * 3
    assert [int(frame[0, 0, 0]) for frame in found] == [0, 120, 255]
    with Image.open(path) as image:
        assert image.info["duration"] == 100
        image.seek(2)
        assert image.info["duration"] == 2100  # held, so that one sees how it ended


def test_sides_become_even_and_stay_those_of_the_first_picture(tmp_path):
    path = tmp_path / "out.gif"
    write_video(path, [np.full(shape, 200, np.uint8) for shape in ((11, 7, 3), (30, 3, 3))], fps=5)
    assert {frame.shape for frame in frames_of(path)} == {(12, 8, 3)}


def test_texts_are_drawn_aligned_without_the_colours_of_a_terminal(tmp_path):
    path = tmp_path / "out.gif"
    write_video(path, ["ab\ncd", "\x1b[41mab\x1b[0m\ncd", "a\n\nb and more", ""], fps=5)
    found = frames_of(path)
    assert len({frame.shape for frame in found}) == 1
    assert len(found) == 3  # the first two are the same picture, shown for longer
    wide = text_picture(["W."], 1, 2)
    narrow = text_picture([".W"], 1, 2)
    assert wide.shape == narrow.shape
    assert wide.shape[0] % 2 == wide.shape[1] % 2 == 0


def test_a_long_line_is_broken(tmp_path):
    path = tmp_path / "out.gif"
    write_video(path, ["x" * 1000], fps=5)
    assert frames_of(path)[0].shape[1] < 1200


def test_an_mp4_is_made_by_imageio_ffmpeg(tmp_path, monkeypatch):
    got: list[Any] = []

    def write_frames(path: str, size: tuple[int, int], **options: Any) -> Iterator[None]:
        got.append((size, options["fps"]))
        try:
            while True:
                got.append(np.frombuffer((yield), np.uint8))
        finally:
            Path(path).write_bytes(b"video")

    encoder = types.ModuleType("imageio_ffmpeg")
    encoder.write_frames = write_frames  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", encoder)
    path = tmp_path / "out.mp4"
    check_video(path)
    write_video(path, [np.full((4, 6, 3), colour, np.uint8) for colour in (1, 2)], fps=5)
    assert path.read_bytes() == b"video"
    assert got[0] == ((6, 4), 5)
    assert [int(frame[0]) for frame in got[1:]] == [1, 2] + [2] * 10
    assert all(frame.size == 4 * 6 * 3 for frame in got[1:])


def test_a_real_mp4(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "out.mp4"
    write_video(path, [np.full((64, 96, 3), colour, np.uint8) for colour in (1, 200)], fps=5)
    assert path.read_bytes()[4:8] == b"ftyp"


def test_what_cannot_be_written_is_told_beforehand(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"'\.webm' is no format: write a \.gif or an \.mp4"):
        check_video(Path("out.webm"))
    with pytest.raises(RunError, match="its folder does not exist"):
        check_video(tmp_path / "no" / "out.gif")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtraError, match=r"needs imageio-ffmpeg.*envrl\[video\]"):
        check_video(tmp_path / "out.mp4")
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match="needs Pillow"):
        check_video(tmp_path / "out.gif")
