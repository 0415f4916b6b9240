"""A board as people see it: text for ``ansi``, a picture for ``rgb_array``."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from envrl.errors import ConfigError, MissingExtraError

__all__ = ["RENDER_MODES", "board_image", "board_text", "check_render_mode", "draw_board"]

RENDER_MODES = ("ansi", "rgb_array")

_Picture = NDArray[np.uint8]
_Colour = tuple[int, int, int]

_CELL, _GAP, _HEADER = 72, 8, 40  # pixels; every picture has even sides, which video codecs ask for
_GROUND: _Colour = (44, 48, 56)
_EMPTY: _Colour = (62, 67, 77)
_LIGHT: _Colour = (250, 250, 250)
_DARK: _Colour = (40, 42, 48)
_RAMP = np.array([(232, 226, 208), (240, 178, 92), (214, 84, 62), (150, 50, 120), (58, 60, 150), (20, 140, 130)])
_RAMP_STEPS = 16  # exponents from the first colour to the last


def check_render_mode(mode: str | None) -> None:
    """Refuse a render mode that 2048 does not have.

    Raises:
        ConfigError: it is neither None nor one of `RENDER_MODES`.
    """
    if mode is not None and mode not in RENDER_MODES:
        raise ConfigError(
            f"2048: render_mode {mode!r} does not exist: give None, {' or '.join(map(repr, RENDER_MODES))}"
        )


def draw_board(mode: str, exponents: NDArray[np.uint8], score: int) -> str | _Picture:
    """A board in a render mode: a text, or a picture."""
    return board_text(exponents, score) if mode == "ansi" else board_image(exponents, score)


def board_text(exponents: NDArray[np.uint8], score: int) -> str:
    """A board as lines of text, as the ``ansi`` render mode shows it.

    Args:
        exponents: shape (n, n).
        score: the game's score.
    """
    tiles = [[str(1 << k) if k else "." for k in row] for row in exponents.tolist()]
    width = max(5, *(len(tile) for row in tiles for tile in row)) + 1
    lines = ["".join(tile.rjust(width) for tile in row) for row in tiles]
    return "\n".join([f"score {score}", *lines])


def board_image(exponents: NDArray[np.uint8], score: int) -> _Picture:
    """A board as a picture, as the ``rgb_array`` render mode shows it.

    Args:
        exponents: shape (n, n).
        score: the game's score.

    Returns:
        uint8 of shape (48 + 80 n, 8 + 80 n, 3).

    Raises:
        MissingExtraError: Pillow is not installed.
    """
    size = len(exponents)
    side = _GAP + size * (_CELL + _GAP)
    picture = np.empty((_HEADER + side, side, 3), np.uint8)
    picture[:] = _GROUND
    picture[:_HEADER] = _label(f"score {score}", (side, _HEADER), _GROUND, _LIGHT)
    for (row, column), exponent in np.ndenumerate(exponents):
        top, left = _HEADER + _GAP + row * (_CELL + _GAP), _GAP + column * (_CELL + _GAP)
        picture[top : top + _CELL, left : left + _CELL] = _tile(int(exponent))
    return picture


@cache  # 65 tiles at most
def _tile(exponent: int) -> _Picture:
    if exponent == 0:
        return np.full((_CELL, _CELL, 3), _EMPTY, np.uint8)
    ground = _colour(exponent)
    ink = _DARK if sum(ground) > 400 else _LIGHT
    return _label(str(1 << exponent), (_CELL, _CELL), ground, ink)


def _colour(exponent: int) -> _Colour:
    """From sand over orange and red to blue and green, and the last from there on."""
    place = min((exponent - 1) / _RAMP_STEPS, 1.0) * (len(_RAMP) - 1)
    red, green, blue = (round(float(np.interp(place, np.arange(len(_RAMP)), channel))) for channel in _RAMP.T)
    return red, green, blue


def _label(text: str, size: tuple[int, int], ground: _Colour, ink: _Colour) -> _Picture:
    """A text in the middle of a plain field, as large as fits into four fifths of it."""
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError:
        raise MissingExtraError("video", "pillow", "render_mode 'rgb_array' of 2048") from None
    field = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(field)
    height = 0.5 * min(size[1], _CELL)
    height *= min(1.0, 0.8 * size[0] / pen.textlength(text, ImageFont.load_default(height)))
    pen.text((size[0] / 2, size[1] / 2), text, ink, ImageFont.load_default(height), anchor="mm")
    return np.asarray(field)
