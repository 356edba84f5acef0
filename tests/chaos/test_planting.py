"""What is planted still finds its place in the product, and the product holds no switch for any of it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.support.planting import hook
from tests.support.planting.defects import DEFECTS
from tests.support.planting.failpoints import BY_NAME, FAILPOINTS
from tests.support.planting.targets import Target

ROOT = Path(__file__).parents[2]
PRODUCT = ("chassis", "services", "gateway", "deploy")
SWITCH = re.compile(r"planting|failpoint|sitecustomize|\btests\.(support|chaos)|(from|import) tests\b", re.IGNORECASE)


@pytest.mark.parametrize("target", hook.targets(), ids=lambda target: f"{target.module}:{target.function}")
def test_what_is_planted_finds_its_function(target: Target) -> None:
    module = importlib.import_module(target.module)
    owner, name = hook.resolve(module, target.function)
    assert callable(getattr(owner, name))


def test_failpoints_and_defects_are_named_once_and_explained() -> None:
    assert len(BY_NAME) == len(FAILPOINTS)
    for sentence in [*(point.sentence for point in FAILPOINTS), *(defect.sentence for defect in DEFECTS.values())]:
        assert sentence.endswith(".")


def test_there_are_enough_defects() -> None:
    assert len(DEFECTS) >= 12


def test_the_document_explains_every_failpoint_and_every_defect() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for name, sentence in [
        *((point.name, point.sentence) for point in FAILPOINTS),
        *((defect.name, defect.sentence) for defect in DEFECTS.values()),
    ]:
        assert f"`{name}`" in text
        assert sentence in text


def test_the_product_holds_no_switch_for_the_tests() -> None:
    files = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 100
    for path in files:
        found = SWITCH.search(path.read_text(encoding="utf-8"))
        assert not found, f"{path}: {found}"
