"""The `Examples` sections of docstrings, run as doctests."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import heatwidget as hw

_FINDER = doctest.DocTestFinder()
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
# Libraries that examples need, by the start of the module's name.
_NEEDED = {
    "heatwidget.capture": ("torch",),
    "heatwidget.capture.activation": ("transformers",),
    "heatwidget.samples.recurrent": ("torch",),
}


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


def public_names() -> list[Any]:
    """Public names of the package and of its public modules, as parameters of a test."""
    found = []
    for name in (*hw.__all__, "open"):
        value = getattr(hw, name)
        if isinstance(value, ModuleType):
            parts = [(f"{name}.{part}", getattr(value, part)) for part in value.__all__]
        else:
            parts = [(name, value)]
        found += [pytest.param(part, id=full_name) for full_name, part in parts]
    return found


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
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each prints what it says; files are saved in an empty folder."""
    for start, libraries in _NEEDED.items():
        for library in libraries if name.startswith(start) else ():
            pytest.importorskip(library)
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=_FLAGS)
    n_examples = 0
    for example in _FINDER.find(module, name):
        example.globs.update(given())
        n_examples += len(example.examples)
        runner.run(example)
    assert n_examples
    assert not runner.failures


@pytest.mark.parametrize("value", public_names())
def test_public_names_have_examples(value: object) -> None:
    """A section of the numpydoc kind, with an example that runs."""
    _, heading, examples = (inspect.getdoc(value) or "").partition("Examples\n--------\n")
    assert heading
    assert ">>>" in examples
