"""Where something is planted: a function of a module, and what is called in its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """`around(original, *arguments)` is called instead of `function` of `module`."""

    module: str
    function: str
    around: Callable[..., Any]
