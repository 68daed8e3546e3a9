"""The `Examples` of docstrings, as doctests."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import numpy as np
import pytest

import heatwidget as hw

_FINDER = doctest.DocTestFinder()
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules() -> list[str]:
    """Modules whose docstrings have examples."""
    found = []
    for module in pkgutil.walk_packages(hw.__path__, "heatwidget."):
        source = importlib.util.find_spec(module.name)
        if source is not None and source.origin and ">>>" in open_text(source.origin):
            found.append(module.name)
    return found


def open_text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def given() -> dict[str, object]:
    """Names that examples use without making them."""
    rng = np.random.default_rng(0)
    return {
        "hw": hw,
        "np": np,
        "tokens": ["the", "cat"],
        "states": rng.random((8, 2, 4)),
        "activations": rng.random((35, 2)),
    }


@pytest.mark.parametrize("name", modules())
def test_examples(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=_FLAGS)
    n_examples = 0
    for example in _FINDER.find(module, name):
        example.globs.update(given())
        n_examples += len(example.examples)
        runner.run(example)
    assert n_examples
    assert not runner.failures
