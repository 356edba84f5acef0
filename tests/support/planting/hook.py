"""Wraps named functions of modules right after their import, in processes that were started with planting."""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from tests.support.planting import orders
from tests.support.planting.addresses import TARGETS as ADDRESSES
from tests.support.planting.defects import DEFECTS
from tests.support.planting.failpoints import FAILPOINTS
from tests.support.planting.faults import FAULTS
from tests.support.planting.targets import Target

Function = Callable[..., Any]


def targets() -> list[Target]:
    """Everything that is wrapped, innermost first: defects, then faults, then failpoints around them."""
    planted = [target for defect in DEFECTS.values() for target in defect.targets]
    return [*ADDRESSES, *planted, *FAULTS, *(_stopping(point) for point in FAILPOINTS)]


def _stopping(point: Any) -> Target:
    def around(original: Function, *arguments: Any, **named: Any) -> Any:
        if point.before:
            orders.reached(point.name)
        result = original(*arguments, **named)
        if not point.before:
            orders.reached(point.name)
        return result

    return Target(point.module, point.function, around)


def resolve(module: ModuleType, function: str) -> tuple[Any, str]:
    """The object that holds a function, and its name there; raises AttributeError when it is gone."""
    owner: Any = module
    *path, name = function.split(".")
    for part in path:
        owner = getattr(owner, part)
    getattr(owner, name)
    return owner, name


class Planter(MetaPathFinder):
    """Finds what the usual finder finds and wraps what is to be wrapped once the module is there."""

    def __init__(self) -> None:
        self._by_module: dict[str, list[Target]] = defaultdict(list)
        for target in targets():
            self._by_module[target.module].append(target)

    def find_spec(self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Nothing for modules that are none of ours."""
        if name not in self._by_module:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        spec.loader.exec_module = functools.partial(self._exec, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    def _exec(self, original: Function, module: ModuleType) -> None:
        original(module)
        for target in self._by_module[module.__name__]:
            owner, name = resolve(module, target.function)
            setattr(owner, name, wrapped(getattr(owner, name), target.around))


def wrapped(original: Function, around: Function) -> Function:
    """A function that hands its call, with the original, to `around`."""

    @functools.wraps(original)
    def call(*arguments: Any, **named: Any) -> Any:
        return around(original, *arguments, **named)

    return call


def install() -> None:
    """From now on imports are watched."""
    sys.meta_path.insert(0, Planter())
