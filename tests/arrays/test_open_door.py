"""Arrays of others: adapters that they bring, sources, data sets, frames and caches."""

from __future__ import annotations

import re
import sys
from collections import UserDict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
import xarray

import heatwidget as hw
from heatwidget.arrays import LabelledArray, NumpySource, Region, as_labelled, as_source
from heatwidget.arrays.adapters import registry
from heatwidget.arrays.axis import make_axis

DIMS = {2: ("layer", "token"), 3: ("iteration", "layer", "token")}


def labelled(array: Any, **more: Any) -> LabelledArray:
    return as_labelled(array, default_dims=DIMS, **more)


# An adapter as a stranger would write it: of files that hold one layer each.


class LayerFiles:
    """Somebody's array: layers in files of their own."""

    def __init__(self, folder: Path, n_layers: int) -> None:
        self.paths = [folder / f"{layer}.npy" for layer in range(n_layers)]
        self.opened: list[int] = []

    def layer(self, number: int) -> np.ndarray:
        self.opened.append(number)
        return np.load(self.paths[number], mmap_mode="r")


class LayerFilesAdapter(hw.ArrayAdapter):
    """Reads only the layers that are looked at."""

    dims = ("layer", "token")

    def __init__(self, files: LayerFiles) -> None:
        first = files.layer(0)
        self._files, self.dtype = files, first.dtype
        self.shape = (len(files.paths), *first.shape)
        self.chunks = (1, *first.shape)
        self.coords = (None, [f"t{i}" for i in range(len(first))])
        self.attrs = {"long_name": "norm"}

    def read(self, region: Region) -> np.ndarray:
        layers, tokens = region.slices
        found = [self._files.layer(i)[tokens] for i in range(layers.start, layers.stop)]
        return np.stack(found) if found else np.empty(region.shape, self.dtype)


@pytest.fixture
def files(tmp_path: Path) -> LayerFiles:
    for layer in range(6):
        np.save(tmp_path / f"{layer}.npy", np.arange(5.0) + 10 * layer)
    return LayerFiles(tmp_path, 6)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registered", {})
    monkeypatch.setattr(registry, "_found", {})
    monkeypatch.setattr(registry, "_looked", False)


def shown(array: Any) -> np.ndarray:
    widget = hw.ActivationHeatmap(array)
    widget.flush()
    values = widget.frame.values.copy()
    assert widget.tokens == ("t0", "t1", "t2", "t3", "t4")
    assert widget.quantity == "norm"
    widget.close()
    return values


WANTED = np.arange(5.0) + 10 * np.arange(6)[:, None]


@pytest.mark.parametrize("kind", [LayerFiles, f"{__name__}.LayerFiles", f"{__name__}:LayerFiles"])
def test_an_adapter_that_is_registered(files: LayerFiles, kind: Any) -> None:
    hw.register_adapter(kind, LayerFilesAdapter)
    np.testing.assert_array_equal(shown(files), WANTED)
    part = labelled(files)[2:4, 1:3]
    assert part.values.tolist() == WANTED[2:4, 1:3].tolist()


def test_an_adapter_of_an_installed_package(
    files: LayerFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("layer_files")
    module.LayerFiles, module.adapt = LayerFiles, LayerFilesAdapter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "layer_files", module)
    about = tmp_path / "layer_files-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: layer_files\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[heatwidget.adapters]\nlayer_files.LayerFiles = layer_files:adapt\n"
    )
    with pytest.raises(TypeError, match="array must hold real numbers, got dtype object"):
        labelled(files)
    monkeypatch.setattr(registry, "_looked", False)
    monkeypatch.syspath_prepend(tmp_path)
    np.testing.assert_array_equal(shown(files), WANTED)


def test_the_last_one_that_is_registered_counts(files: LayerFiles) -> None:
    hw.register_adapter(LayerFiles, lambda array: 1 / 0)
    hw.register_adapter(f"{__name__}.LayerFiles", LayerFilesAdapter)
    np.testing.assert_array_equal(shown(files), WANTED)


@pytest.mark.parametrize(
    ("kind", "make", "message"),
    [
        ("LayerFiles", LayerFilesAdapter, "kind must be a class or its name 'module.Class'"),
        (3, LayerFilesAdapter, "kind must be a class or its name 'module.Class', got 3"),
        (LayerFiles, None, "make must be callable, got None"),
    ],
)
def test_what_cannot_be_registered(kind: Any, make: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        hw.register_adapter(kind, make)


class Named:
    """Somebody's array that looks like one of xarray's, and is dear to read whole."""

    dims, coords, shape = ("seed", "head"), {"seed": [3, 5]}, (2, 3)

    @property
    def values(self) -> np.ndarray:
        raise AssertionError("read whole")


class Pages(dict[str, float]):
    """Somebody's array in a dictionary."""


class OnesAdapter(hw.ArrayAdapter):
    def __init__(self, array: Any) -> None:
        self.shape, self.dtype, self.name = (2, 3), np.dtype(float), "ones of somebody"
        self.dims = getattr(array, "dims", None)

    def read(self, region: Region) -> np.ndarray:
        return np.ones(region.shape)


@pytest.mark.parametrize("array", [Named(), Pages(a=1.0)])
def test_what_is_registered_goes_before_what_it_looks_like(array: Any) -> None:
    hw.register_adapter(type(array), OnesAdapter)
    source = as_source(labelled(array))
    whole = Region(((0, 2), (0, 3)))
    np.testing.assert_array_equal(source.read(whole).values, np.ones((2, 3)))
    assert hw.Heatmap(array).frame.values.tolist() == [[1.0] * 3] * 2


def test_an_adapter_may_give_any_names_and_one_of_its_own() -> None:
    hw.register_adapter(Named, OnesAdapter)
    assert labelled(Named()).dims == ("seed", "head")
    assert OnesAdapter(Named()).name == "ones of somebody"


def test_the_name_of_an_adapter_is_that_of_its_class(files: LayerFiles) -> None:
    assert LayerFilesAdapter(files).name == "LayerFiles"


# Sources


class Counting(NumpySource):
    """A source of one's own."""

    n_reads = 0

    def read(self, region: Region) -> Any:
        self.n_reads += 1
        return super().read(region)


def test_a_source_is_shown_as_it_is() -> None:
    axes = (make_axis("head", 2), make_axis("token", 3, list("abc")))
    source = Counting(LabelledArray(np.arange(6.0).reshape(2, 3), axes))
    assert as_source(source) is source
    widget = hw.Heatmap(source)
    assert (widget.dims, widget.tokens) == (("head", "token"), ("a", "b", "c"))
    assert widget.frame.values.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert source.n_reads
    with pytest.raises(TypeError, match="array names its axes itself, as a source does"):
        hw.Heatmap(source, tokens=list("xyz"))
    with pytest.raises(TypeError, match="must be a LabelledArray or an ArraySource, got ndarray"):
        as_source(np.ones((2, 3)))


# Data sets, frames, caches


def test_the_only_variable_of_a_dataset() -> None:
    acts = xarray.DataArray(np.ones((2, 3)), dims=("layer", "token"))
    found = labelled(xarray.Dataset({"acts": acts, "loss": ("step", [1.0, 2.0])}))
    assert (found.dims, found.quantity) == (("layer", "token"), "acts")
    message = r"got a dataset: take one of dataset\['a'\] \('layer', 'token'\), dataset\['b'\]"
    with pytest.raises(TypeError, match=message):
        labelled(xarray.Dataset({"a": acts, "b": acts}))


@pytest.mark.parametrize("dims", [("layer", "token"), ("seed", "head")])
def test_a_widget_shows_the_only_variable(dims: tuple[str, str]) -> None:
    dataset = xarray.Dataset({"acts": (dims, np.ones((2, 3)))})
    assert hw.Heatmap(dataset).dims == dims
    assert hw.stack([dataset, dataset], dim="run").dims == ("run", *dims)


def test_the_only_variable_of_short_floats() -> None:
    short = np.ones((2, 3), ml_dtypes.bfloat16)
    dataset = xarray.Dataset({"acts": (("layer", "token"), short)})
    np.testing.assert_array_equal(labelled(dataset).values, np.ones((2, 3)))


def test_a_frame_of_polars_is_that_of_pandas() -> None:
    data = {"layer": ["embed", "0", "final"], "the": [1, None, 3], "cat": [True, False, None]}
    found = labelled(pl.DataFrame(data))
    wanted = labelled(pd.DataFrame(data).set_index("layer").astype(float))
    assert (found.dims, found.coords) == (wanted.dims, wanted.coords)
    np.testing.assert_array_equal(found.values, wanted.values)
    assert labelled(pl.DataFrame({"a": [1, 2], "b": [3, 4]})).values.tolist() == [[1, 3], [2, 4]]


def test_a_frame_of_polars_without_a_value() -> None:
    found = labelled(pl.DataFrame({"a": [None, None], "b": [1, 2]}))
    np.testing.assert_array_equal(found.values, [[np.nan, 1], [np.nan, 2]])
    with pytest.raises(ValueError, match="must not have an empty axis"):
        labelled(pl.DataFrame())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": [1, 2], "b": ["x", "y"]}, "got column 'b' of dtype String"),
        ({"a": ["x", "y"], "b": ["x", "y"]}, "got column 'a' of dtype String"),
        ({"a": [[1], [2]], "b": [1, 2]}, r"got column 'a' of dtype List\(Int64\)"),
    ],
)
def test_columns_of_polars_without_numbers(data: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        labelled(pl.DataFrame(data))


def test_a_cache_is_stacked_in_the_order_of_its_layers() -> None:
    states = {f"blocks.{i}.hook_resid_post": torch.full((4,), float(i)) for i in (10, 2, 0)}
    found = labelled(states)
    assert found.dims == ("layer", "token")
    assert found.coords["layer"].tolist() == [0, 2, 10]
    assert found.values[:, 0].tolist() == [0, 2, 10]
    assert hw.ActivationHeatmap(states).layers == (0, 2, 10)
    assert hw.Heatmap(states).rows == "layer"


def test_a_cache_of_short_floats_with_gradients_stays_where_it_is() -> None:
    states = {
        f"h.{i}": torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True) for i in range(3)
    }
    found = labelled(states, dims=("layer", "head", "token"))
    assert isinstance(found.data, torch.Tensor)
    assert found.data.dtype == torch.bfloat16
    assert not found.data.requires_grad


@pytest.mark.parametrize("kind", [UserDict, MappingProxyType])
def test_a_cache_of_any_kind_of_mapping(kind: Any) -> None:
    states = kind({f"h.{i}": torch.full((3,), float(i)) for i in (4, 1)})
    assert labelled(states).coords["layer"].tolist() == [1, 4]
    assert hw.Heatmap(states).rows == "layer"


def test_a_cache_whose_names_are_numbers() -> None:
    found = labelled({layer: torch.full((3,), float(layer)) for layer in (4, 0, 2)})
    assert found.coords["layer"].tolist() == [0, 2, 4]
    assert found.values[:, 0].tolist() == [0, 2, 4]


@pytest.mark.parametrize("dims", [("checkpoint", "token"), ("head", "layer"), ("depth", "token")])
def test_the_numbers_of_a_cache_belong_to_its_first_axis(dims: tuple[str, str]) -> None:
    found = labelled({f"h.{i}": np.ones(2) for i in (5, 1)}, dims=dims)
    assert found.axes[0].coordinates.tolist() == [1, 5]
    assert found.axes[1].coordinates.tolist() == [0, 1]


@pytest.mark.parametrize("name", ["layer", "depth"])
def test_given_numbers_go_before_those_of_a_cache(name: str) -> None:
    states = {f"h.{i}": np.ones(2) for i in (5, 1)}
    found = labelled(states, dims=("depth", "token"), coords={name: [7, 8]})
    assert found.coords["depth"].tolist() == [7, 8]


class Unread(Mapping[str, Any]):
    """A mapping whose values are dear."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def __getitem__(self, name: str) -> Any:
        raise AssertionError(f"{name} is read")

    def __iter__(self) -> Any:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


@pytest.mark.parametrize("names", [("acts", "ids"), ("q.0", "q.1", "k.0", "k.1")])
def test_nothing_is_read_to_refuse_a_mapping(names: tuple[str, ...]) -> None:
    with pytest.raises(TypeError, match="array must be one array, got a Unread"):
        labelled(Unread(*names))


def test_a_group_of_a_file_is_no_cache(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for layer in range(2):
            file[f"layer_{layer}"] = np.ones(3)
        with pytest.raises(TypeError, match="one that holds other arrays"):
            labelled(file)


@pytest.mark.parametrize(
    "names",
    [
        ["h.{}.attn", "h.{}.mlp"],
        ["q.{}", "k.{}"],
        ["{}", "k.{}"],
        ["h.{}.attn", "h.{}.ln.attn"],
        ["blocks.{}.hook_[x]", "hook_[x]", "blocks.{}.ln.hook_[x]"],
    ],
)
def test_what_an_error_says_to_type_chooses_one_kind(names: list[str]) -> None:
    cache = {name.format(i): np.ones(3) for name in names for i in (0, 10)}
    with pytest.raises(TypeError, match="several groups of names") as error:
        labelled(cache)
    code = str(error.value).partition("such as ")[2]
    chosen = eval(code, {"cache": cache, "re": re})
    assert labelled(chosen).coords["layer"].tolist() == [0, 10]


def test_all_kinds_of_a_large_cache_are_listed() -> None:
    kinds = [f"hook_{letter}" for letter in "abcdefghijklmnopqrst"]
    cache = {f"blocks.{i}.{kind}": np.ones(3) for i in range(2) for kind in kinds}
    with pytest.raises(TypeError, match=r"blocks\.\*\.hook_t"):
        labelled(cache)


def test_a_cache_that_has_its_dictionary_inside() -> None:
    class Cache:
        cache_dict: Any

        def __init__(self, entries: Any) -> None:
            self.cache_dict = entries
            self.items = entries.items

    assert labelled(Cache({f"a.{i}": np.ones(3) for i in range(2)})).shape == (2, 3)


@pytest.mark.parametrize(
    ("cache", "error", "message"),
    [
        ({"a": [1.0], "b": [2.0]}, TypeError, "take one of its entries 'a', 'b'"),
        ({"a.0": np.ones(3)}, TypeError, "take one of its entries 'a.0'"),
        ({}, TypeError, "array must be one array, got a dict"),
        (
            {f"blocks.{i}.{k}": np.ones(3) for i in range(2) for k in ("q", "resid_post")},
            TypeError,
            r"several groups of names: blocks.\*.q, blocks.\*.resid_post. "
            r"Choose one, such as \{name",
        ),
        (
            {f"blocks.{i}": np.ones((2, 3)) for i in range(2)},
            ValueError,
            "dims must name the 3 axes of the array, such as",
        ),
    ],
)
def test_other_dictionaries_are_refused(cache: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        labelled(cache)


def test_hidden_states_as_models_give_them() -> None:
    states = tuple(torch.rand(1, 5, 8, requires_grad=True) for _ in range(3))
    with pytest.raises(ValueError, match=r"dims must name the 4 axes .* torch.linalg.norm"):
        labelled(states)
    found = labelled(states, dims=("layer", "batch", "token", "neuron"))
    assert found.shape == (3, 1, 5, 8)
