"""Which part of the package may import which: data walk one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import heatwidget

PACKAGE = Path(heatwidget.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
WIDGET_LIBRARIES = {"bqplot", "bqplot_image_gl", "ipywidgets", "traitlets"}

# Part -> the parts it may import, besides itself. `cli` stands above all others.
PARTS = {
    "arrays": {"tensors"},
    "frames": {"arrays"},
    "metrics": {"tensors"},
    "tensors": set(),
    "samples": {"arrays", "metrics"},
    "capture": {"arrays", "metrics"},
    "scene": {"arrays", "frames"},
    "widgets": {"arrays", "frames", "scene"},
    "export": {"arrays", "frames", "scene", "widgets"},
}
# Part -> the libraries it may import, besides the standard one.
LIBRARIES = {
    "arrays": {"numpy"},
    "frames": {"numpy"},
    "metrics": {"numpy"},
    "tensors": set(),
    "scene": {"numpy"},
    "samples": {"numpy"},
    "capture": {"numpy", "torch"},
    "widgets": {"numpy", *WIDGET_LIBRARIES},
    "__init__": set(),
}
# Arrays and files of others: none of these comes along unless the user has it already.
OPTIONAL = {"dask", "distributed", "h5netcdf", "h5py", "jax", "ml_dtypes", "netCDF4", "pandas"}
OPTIONAL |= {"safetensors", "scipy", "torch", "transformers", "xarray", "zarr"}
# Imported inside a function of theirs, when it is called, but where it says otherwise.
LAZY = {
    "samples/recurrent.py": {"torch"},
    "arrays/labelled.py": {"xarray"},
    "arrays/adapters/dask_arrays.py": {"dask", "distributed"},
    "arrays/files/hdf5.py": {"h5py"},
    "arrays/files/netcdf.py": {"h5netcdf", "h5py", "xarray"},
    "arrays/files/npy.py": {"ml_dtypes"},
    "arrays/files/safetensors.py": {"ml_dtypes"},
    "arrays/files/torch.py": {"torch"},
    "arrays/files/zarr.py": {"zarr"},
    "frames/kept.py": {"platformdirs"},
    "frames/palette.py": {"isal"},  # at its top
    "metrics/library.py": {"torch", "dask"},
    "metrics/torch_tensors.py": {"torch"},
    "metrics/dask_arrays.py": {"dask"},
}


def imported(path: Path) -> Iterator[str]:
    """Full names of all that a module imports, at its top or inside a function."""
    # Of a package's `__init__.py` the one dot is the package itself.
    here = ["heatwidget", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = here[: len(here) - node.level + 1] if node.level else []
            home = [*home, *([node.module] if node.module else [])]
            # A name may be a module itself, as in `from .. import samples`.
            yield from (".".join([*home, name.name]) for name in node.names)


def part_of(path: Path) -> str:
    """Name of the folder, or of the module, right under the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def first_party(path: Path) -> set[str]:
    """Parts of the package that a module imports."""
    names = [name.split(".") for name in imported(path)]
    return {name[1] for name in names if name[0] == "heatwidget" and len(name) > 1}


def third_party(path: Path) -> set[str]:
    """Libraries that a module imports, without the standard one."""
    names = {name.split(".")[0] for name in imported(path)}
    return names - sys.stdlib_module_names - {"heatwidget"}


def module_name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_no_arrow_points_back(path: Path) -> None:
    """From capture to arrays, frames, widgets, export, and never the other way."""
    part = part_of(path)
    if part in PARTS:
        assert first_party(path) <= {*PARTS[part], part}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_these_libraries(path: Path) -> None:
    """Only numpy below the widgets, widget libraries in them alone, torch in two places only."""
    part = part_of(path)
    allowed = LIBRARIES.get(part, set()) | LAZY.get(module_name(path), set())
    if part in LIBRARIES:
        assert third_party(path) <= allowed
    elif part != "capture":
        assert "torch" not in third_party(path)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_nothing_imports_the_widgets(path: Path) -> None:
    """But what stands above them, and the package's lazy names."""
    if "widgets" in first_party(path):
        assert part_of(path) in {"widgets", "export", "cli", "__init__"}


def test_the_reader_of_imports_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative and absolute, inside functions too; so an arrow back would be seen."""
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    module = tmp_path / "arrays" / "bad.py"
    module.parent.mkdir()
    module.write_text(
        "from .. import frames\nfrom ..widgets.marks import Mark\nfrom .axis import Axis\n"
        "import heatwidget.export, os.path\ndef f():\n    from torch import nn\n"
    )
    assert first_party(module) == {"arrays", "frames", "widgets", "export"}
    assert third_party(module) == {"torch"}


def loaded_by(statement: str, after: str = "import sys") -> set[str]:
    """Top-level modules that a statement loads in a fresh interpreter, after another one."""
    code = f"import sys; {after}; before = set(sys.modules); {statement}"
    code += "; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in run.stdout.split()}


def test_arrays_and_frames_bring_no_widget_library() -> None:
    """They run where there is no notebook, and load nothing that they do not need."""
    loaded = loaded_by("import heatwidget.frames, heatwidget.metrics, heatwidget.scene")
    assert "numpy" in loaded
    assert not loaded & {*WIDGET_LIBRARIES, *OPTIONAL}


def test_capture_brings_no_torch_until_it_is_called() -> None:
    """Nor any widget library: a capture runs where there is no notebook."""
    loaded = loaded_by("from heatwidget import capture; capture.recurrent, capture.activations")
    assert "numpy" in loaded
    assert not loaded & {*WIDGET_LIBRARIES, *OPTIONAL}


@pytest.mark.parametrize(
    "array",
    [
        "numpy.ones((2, 2))",
        "numpy.memmap(tempfile.TemporaryFile(), shape=(2, 2), dtype='f4')",
        "__import__('zarr').zeros((2, 2), dtype='f4')",
        "__import__('torch').ones(2, 2)",
        "__import__('xarray').DataArray(numpy.ones((2, 2)), dims=('layer', 'token'))",
    ],
)
def test_reading_an_array_imports_no_library(array: str) -> None:
    """Arrays from other libraries are known by what the user has imported already."""
    statement = (
        "from heatwidget import arrays; from heatwidget.arrays.adapters import adapt"
        "; labelled = arrays.as_labelled(array, default_dims={2: ('layer', 'token')})"
        "; kind = arrays.StoredSource if adapt(labelled.data) else arrays.NumpySource"
        "; source = kind(labelled); source.identity()"
        "; source.read(arrays.Region(((0, 1), (0, 1))))"
    )
    assert not loaded_by(statement, f"import numpy, tempfile; array = {array}") & OPTIONAL


def test_the_package_itself_brings_nothing() -> None:
    """`import heatwidget` loads the standard library only, not even numpy."""
    assert loaded_by("import heatwidget") <= {*sys.stdlib_module_names, "heatwidget"}


@pytest.mark.parametrize("name", heatwidget.__all__)
def test_public_names(name: str) -> None:
    """Each can be had, and is offered by completion."""
    assert getattr(heatwidget, name) is not None
    assert name in dir(heatwidget)


def test_public_names_are_in_order() -> None:
    """Each once, and by the alphabet."""
    assert list(heatwidget.__all__) == sorted(set(heatwidget.__all__))


def test_unknown_name() -> None:
    """An unknown name is an error as of any module."""
    with pytest.raises(AttributeError, match="module 'heatwidget' has no attribute 'Heatmop'"):
        heatwidget.Heatmop  # noqa: B018
