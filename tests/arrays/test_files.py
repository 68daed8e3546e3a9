"""Labelled arrays from files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatwidget.arrays.files import read_npz

VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)
GOOD: dict[str, Any] = {"values": VALUES, "dims": ["layer", "token"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "array.npz"


def refused(path: Path, text: str, error: type[Exception] = ValueError) -> None:
    with pytest.raises(error, match=re.escape(text)):
        read_npz(path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_round_trip(path: Path, save: Any) -> None:
    """Values, names, coordinates, labels, quantity and attributes come back."""
    attrs = {"quantity": "‖x − x*‖", "seed": 3}
    coords = {"coord.layer": [1, 2], "coord.token": ["a", "\n", "é"], "coord.answer": [1, 0, 0]}
    save(path, **GOOD, **coords, attrs=json.dumps(attrs))
    array = read_npz(str(path))
    assert array.values.dtype == np.float32
    np.testing.assert_array_equal(array.values, VALUES)
    assert array.dims == ("layer", "token")
    assert array.axis("layer").coordinates.tolist() == [1, 2]
    assert array.axis("token").labels == ("a", "\n", "é")
    assert array.quantity == attrs["quantity"]
    assert array.attrs["seed"] == 3
    assert array.attrs["answer"].tolist() == [1, 0, 0]


def test_least(path: Path) -> None:
    """Values and dims are enough."""
    np.savez(path, **GOOD)
    array = read_npz(path)
    assert array.quantity == ""
    assert array.axis("layer").coordinates.tolist() == [0, 1]
    assert array.axis("token").labels is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dims": ["layer"]}, "dims must name each axis of shape (2, 3) once, got 1"),
        ({"dims": "layer"}, "dims must name each axis of shape (2, 3) once, got 1"),
        ({"dims": ["layer", "layer"]}, "dims must not repeat"),
        ({"dims": ["layer", "head"]}, "dims must be drawn from"),
        ({"coord.layer": [1, 2, 3]}, "layers must have one number for each of 2"),
        ({"coord.layer": [2, 1]}, "layers must be whole numbers that increase strictly"),
        ({"coord.token": ["a"]}, "tokens must have one text for each of 3, got 1"),
        ({"values": np.zeros((2, 0))}, "array must not have an empty axis"),
        ({"attrs": "{"}, "Expecting property name"),
    ],
)
def test_parts_that_do_not_fit(path: Path, change: dict[str, Any], text: str) -> None:
    """A file is checked as an array that the user gives."""
    np.savez(path, **{**GOOD, **change})
    refused(path, text)


def test_no_real_numbers(path: Path) -> None:
    """A file is checked as an array that the user gives."""
    np.savez(path, **{**GOOD, "values": np.zeros((2, 3), complex)})
    refused(path, "array must hold real numbers", TypeError)


@pytest.mark.parametrize("missing", ["values", "dims"])
def test_missing_parts(path: Path, missing: str) -> None:
    """The error names what is missing."""
    np.savez(path, **{k: v for k, v in GOOD.items() if k != missing})
    refused(path, f"lacks ['{missing}']")


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.95])
def test_truncated(path: Path, part: float) -> None:
    """A file that was not written to its end is refused."""
    np.savez(path, **GOOD)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    refused(path, f"path must be an .npz file without pickles; {path}")


def test_damaged(path: Path) -> None:
    """A file whose content does not fit its checksum is refused."""
    np.savez(path, **GOOD)
    content = bytearray(path.read_bytes())
    content[content.index(VALUES.tobytes())] ^= 1
    path.write_bytes(content)
    refused(path, "path must be an .npz file")


def test_pickles(path: Path) -> None:
    """Pickled content is refused, as it can run code."""
    np.savez(path, **{**GOOD, "dims": np.array(["layer", "token"], object)})
    refused(path, "allow_pickle=False")


def test_other_files(path: Path) -> None:
    """A plain .npy file has no names; a file that is not there is not there."""
    refused(path, str(path), FileNotFoundError)
    with path.open("wb") as file:
        np.save(file, VALUES)
    refused(path, "it holds a single array")
