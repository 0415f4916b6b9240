"""The flat YAML of LLaMA-Factory, read as it is: every key is taken over, refused with the way out, or told of.

Its files are data to us: which keys they have and what they mean was learnt from its arguments as of August 2026.
"""

from __future__ import annotations

from envrl.config.llamafactory.convert import Assignment, convert
from envrl.config.llamafactory.names import CONVERTED, home, is_flat, is_known, taken_over

__all__ = ["CONVERTED", "Assignment", "convert", "home", "is_flat", "is_known", "taken_over"]
