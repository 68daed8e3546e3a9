"""Arrays written to files: the same comes back, and a failure leaves what was there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from heatwidget import LabelledArray, LiveArray
from heatwidget.arrays import StoredSource, as_labelled, files
from heatwidget.arrays.files import replacing, save_job
from heatwidget.arrays.files.formats import module_to_write

SUFFIXES = (".npz", ".zarr", ".nc", ".h5", ".safetensors")
DTYPES = ("?", "i1", "<u2", ">i4", "<i8", "<u8", "<f2", ">f4", "<f4", "<f8")
VALUES = np.arange(12.0).reshape(3, 4)

# Surrogates and NUL included: there are tokens of all kinds.
TEXTS = st.text(st.characters(), max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def labelled(draw: st.DrawFn) -> LabelledArray:
    """Arrays of any type, with any labels."""
    dims = draw(st.permutations(["iteration", "layer", draw(st.sampled_from(["token", "prompt"]))]))
    dims = dims[: draw(st.integers(2, 3))]
    shape = draw(st.tuples(*[st.integers(1, 5)] * len(dims)))
    values = draw(arrays.arrays(draw(st.sampled_from(DTYPES)), shape))
    coords: dict[str, Any] = {}
    for dim, size in zip(dims, shape, strict=True):
        texts = st.lists(TEXTS, min_size=size, max_size=size)
        numbers = st.sets(st.integers(-(2**40), 2**40), min_size=size, max_size=size).map(sorted)
        coords[dim] = draw(st.none() | (texts if dim in ("token", "prompt") else numbers))
    array = as_labelled(values, default_dims={}, dims=dims, coords=coords)
    attrs = draw(st.dictionaries(TEXTS, JSON, max_size=3))
    return LabelledArray(array.data, array.axes, draw(TEXTS), attrs)


def assert_same(got: LabelledArray, wanted: LabelledArray) -> None:
    np.testing.assert_array_equal(np.asarray(got.values), wanted.values)
    for axis, other in zip(got.axes, wanted.axes, strict=True):
        assert (axis.name, axis.labels) == (other.name, other.labels)
        assert axis.coordinates.tolist() == other.coordinates.tolist()
    assert got.quantity == wanted.quantity
    assert got.attrs == wanted.attrs


def test_labels_can_be_given(tmp_path: Path) -> None:
    """As to a heatmap; prompts name the last axis."""
    path = tmp_path / "run.npz"
    files.save(VALUES, path, prompts=["a", "b", "c", "d"], iterations=[0, 5, 10])
    got = files.open(path)
    assert got.dims == ("iteration", "prompt")
    assert got.coords["prompt"] == ("a", "b", "c", "d")
    assert got.coords["iteration"].tolist() == [0, 5, 10]
    with pytest.raises(ValueError, match="layers given, but"):
        files.save(VALUES, path, layers=[1, 2, 3])


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=15)
@given(array=labelled())
def test_what_was_saved_comes_back(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, array: LabelledArray
) -> None:
    path = tmp_path_factory.getbasetemp() / f"same{suffix}"  # replaced each time
    files.save(array, path)
    got = files.open(path)
    assert_same(got, array)
    half = suffix == ".nc" and array.dtype == np.float16
    assert got.dtype == (np.float32 if half else array.dtype.newbyteorder("="))
    # What was opened can be saved in its own place, while it is open.
    files.save(got, path)
    assert_same(files.open(path), array)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("n_bytes", [1, 96, 500])
def test_block_by_block(tmp_path: Path, suffix: str, n_bytes: int) -> None:
    """As many rows at a time as memory has room for, at least one."""
    values = np.random.default_rng(0).random((7, 3, 4))
    source = zarr.create_array(tmp_path / "source.zarr", data=values, chunks=(2, 2, 2))
    array = as_labelled(source, default_dims={3: ("layer", "iteration", "token")})
    made = save_job.SaveJob(array, block_bytes=n_bytes)
    seen = [region.bounds[0] for region, _ in made.blocks()]
    rows = {1: 1, 96: 1, 500: 4}[n_bytes]
    assert seen == [(k, min(k + rows, 7)) for k in range(0, 7, rows)]
    path = tmp_path / f"run{suffix}"
    module_to_write(path).write(path, made)
    assert_same(files.open(path), as_labelled(array, default_dims={}))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_overview_of_a_saved_file_can_be_kept(tmp_path: Path, suffix: str) -> None:
    """What is opened tells whether it is what was there before."""
    path = tmp_path / f"run{suffix}"
    seen = []
    for values in (VALUES, VALUES, VALUES + 1):
        files.save(values, path)
        seen += [StoredSource(files.open(path)).identity() for _ in range(2)]
    assert None not in seen
    assert seen[0] == seen[1]
    assert seen[4] == seen[5]
    assert seen[4] not in seen[:4]


def test_chunks_of_a_zarr(tmp_path: Path) -> None:
    """They are small enough to be read for a part of the picture, and written once each."""
    big = np.broadcast_to(np.float32(1), (70, 3000, 11))
    files.save(big, tmp_path / "run.zarr")
    stored = files.open(tmp_path / "run.zarr").data
    assert np.prod(stored.chunks) <= 1 << 20
    assert stored.metadata.dimension_names == ("iteration", "layer", "token")


def test_values_of_an_npz_are_aligned(tmp_path: Path) -> None:
    for n in range(9):
        path = tmp_path / "run.npz"
        files.save(
            LabelledArray(
                VALUES, as_labelled(VALUES, default_dims=files.DEFAULT_DIMS).axes, "q" * n
            ),
            path,
        )
        opened = files.open(path).data
        assert isinstance(opened, np.memmap)
        assert opened.offset % 64 == 0
        with np.load(path) as plain:
            np.testing.assert_array_equal(plain["values"], VALUES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_tools_read_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    live = LiveArray({"layer": 3, "token": 4}, dtype="f8", quantity="norm")
    live[:] = VALUES
    files.save(live, path)
    if suffix == ".safetensors":
        numpy_of = pytest.importorskip("safetensors.numpy")
        np.testing.assert_array_equal(numpy_of.load_file(path)["values"], VALUES)
    elif suffix in (".nc", ".zarr"):
        engine = {".nc": "h5netcdf", ".zarr": "zarr"}[suffix]
        with (
            xarray.open_dataset(path, engine=engine, consolidated=False)
            if suffix == ".zarr"
            else xarray.open_dataset(path, engine=engine) as found
        ):
            assert found["values"].dims == ("layer", "token")
            np.testing.assert_array_equal(found["values"], VALUES)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_pending_and_masked_cells_become_nan(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"run{suffix}"
    live = LiveArray({"iteration": range(1, 4), "token": 4}, quantity="q", attrs={"seed": 1})
    live[1] = 2
    files.save(live, path)
    got = files.open(path)
    np.testing.assert_array_equal(got.values, live.to_numpy())
    assert (got.quantity, got.attrs, got.coords["iteration"].tolist()) == (
        "q",
        {"seed": 1},
        [1, 2, 3],
    )
    files.save(np.ma.masked_equal(VALUES, 5), path)
    np.testing.assert_array_equal(files.open(path).values, np.where(VALUES == 5, np.nan, VALUES))
    with pytest.raises(ValueError, match="masked values, which are saved as NaN: int64 has none"):
        files.save(np.ma.masked_equal(VALUES.astype(int), 5), path)


def test_arrays_of_xarray_bring_their_labels(tmp_path: Path) -> None:
    coords = {"layer": [1, 2, 3], "token": list("abcd")}
    array = xarray.DataArray(VALUES, coords, ["layer", "token"], attrs={"long_name": "norm"})
    files.save(array, tmp_path / "run.npz")
    got = files.open(tmp_path / "run.npz")
    assert got.quantity == "norm"
    assert got.axis("token").labels == tuple("abcd")
    files.save(VALUES, tmp_path / "run.npz", dims=("token", "layer"))
    assert files.open(tmp_path / "run.npz").dims == ("token", "layer")


def test_attributes(tmp_path: Path) -> None:
    """What numpy and JSON both know goes in; of the rest the name is told."""
    path = tmp_path / "run.npz"
    attrs = {
        "a": np.int64(3),
        "b": np.float32(0.5),
        "c": np.bool_(True),
        "d": (1, [2]),
        "e": np.eye(2),
    }
    axes = as_labelled(VALUES, default_dims=files.DEFAULT_DIMS).axes
    files.save(LabelledArray(VALUES, axes, "", attrs), path)
    wanted = {"a": 3, "b": 0.5, "c": True, "d": [1, [2]], "e": [[1, 0], [0, 1]]}
    assert files.open(path).attrs == wanted
    loop: list[Any] = []
    loop.append(loop)
    for bad in (object(), {1j}, np.array([1j]), loop, {"deep": object}):
        with pytest.raises(TypeError, match=r"attrs\['bad'\] must be what JSON can hold"):
            files.save(LabelledArray(VALUES, axes, "", {"good": 1, "bad": bad}), path)
    with pytest.raises(TypeError, match="attrs must have texts for names, got 3"):
        files.save(LabelledArray(VALUES, axes, "", {3: 1}), path)
    assert files.open(path).attrs == wanted


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.npy", "path must have a format with labels, such as .npz, got "),
        ("run.txt", "path must end in one of .npz, .npy, .zarr, "),
        ("", "path must end in one of"),
        ("folder.npz", "path must be a file; "),
        ("folder.zarr", "path must be new or a zarr store; "),
    ],
)
def test_where_nothing_is_written(tmp_path: Path, name: str, text: str) -> None:
    for suffix in (".npz", ".zarr"):
        (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(ValueError, match=re.escape(text)):
        files.save(VALUES, tmp_path / name)
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none"))):
        files.save(VALUES, tmp_path / "none" / "run.npz")
    with pytest.raises(TypeError, match="at most 64 bits a value"):
        files.save(VALUES.astype(np.longdouble), tmp_path / "run.npz")
    assert len(list(tmp_path.iterdir())) == 2


class FailingStore(Exception):
    """What a test lets go wrong."""


def break_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the second block of any array fail."""

    def blocks(self: save_job.SaveJob, multiple: int = 1) -> Any:
        self.block_bytes = 32
        yield next(whole(self, multiple))
        raise FailingStore

    whole = save_job.SaveJob.blocks
    monkeypatch.setattr(save_job.SaveJob, "blocks", blocks)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_leaves_what_was_there(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"run{suffix}"
    files.save(VALUES, path)
    with monkeypatch.context() as patch:
        break_source(patch)
        with pytest.raises(FailingStore):
            files.save(VALUES + 1, path)
    with monkeypatch.context() as patch:
        # Nor does it vanish if the new one cannot take its place.
        real, blocked = replacing.os.rename, [str(path)]

        def rename(source: Any, target: Any) -> None:
            # The first that would take the place; zarr itself renames files too.
            if str(target) in blocked:
                blocked.clear()
                raise OSError(5, "no")
            real(source, target)

        patch.setattr(replacing.os, "rename", rename)
        patch.setattr(replacing.os, "replace", rename)
        with pytest.raises(OSError, match="could not be written, and what was there is as it was"):
            files.save(VALUES + 1, path)
    assert list(tmp_path.iterdir()) == [path]
    np.testing.assert_array_equal(files.open(path).values, VALUES)


FULL_DISK = """
import resource, sys, numpy as np
from heatwidget.arrays import files
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
for path in sys.argv[1:]:
    try:
        files.save(np.random.default_rng(0).random((300, 400)), path)
    except OSError as error:
        print(error)
    print(files.open(path).values.sum())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit for the size of files")
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """In a process that may write 40 kB a file; HDF5 would end it by a crash."""
    paths = [tmp_path / f"run{suffix}" for suffix in SUFFIXES]
    for path in paths:
        files.save(VALUES, path)
    command = [sys.executable, "-c", FULL_DISK, *map(str, paths)]
    run = subprocess.run(command, capture_output=True, text=True)
    said = run.stdout.splitlines()
    assert run.returncode == 0, run.stderr
    assert said[1::2] == [str(VALUES.sum())] * len(paths)
    for path, text in zip(paths, said[::2], strict=True):
        assert f"{path} could not be written, and what was there is as it was: " in text
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_disk_without_room_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = replacing.shutil._ntuple_diskusage(10, 9, 1)
    monkeypatch.setattr(replacing.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"No space left on device: \d+ bytes are needed, 1 are free"):
        files.save(VALUES, tmp_path / "run.h5")


def test_links_and_rights_stay(tmp_path: Path) -> None:
    """The file that a link points to is replaced, and keeps its rights."""
    target, link = tmp_path / "target.npz", tmp_path / "link.npz"
    files.save(VALUES, target)
    target.chmod(0o640)
    link.symlink_to(target)
    files.save(VALUES + 1, link)
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o640
    np.testing.assert_array_equal(files.open(target).values, VALUES + 1)


NEEDED = {"zarr": "zarr", "hdf5": "h5py", "netcdf": "xarray"}


@pytest.mark.parametrize(
    ("suffix", "extra"), [(".zarr", "zarr"), (".h5", "hdf5"), (".nc", "netcdf")]
)
def test_a_library_that_is_not_there(
    tmp_path: Path, suffix: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what to install."""
    path = tmp_path / f"run{suffix}"
    files.save(VALUES, path)
    for library in ("zarr", "h5py", "xarray", "h5netcdf"):
        monkeypatch.setitem(sys.modules, library, None)
    text = re.escape(f'pip install "heatwidget[{extra}]"')
    with pytest.raises(ImportError, match=text):
        files.open(path)
    with pytest.raises(ImportError, match=text):
        files.save(VALUES, path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_library_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zarr, "__version__", "2.18.7")
    with pytest.raises(ImportError, match=re.escape('zarr 3, not 2.18.7): pip install "heat')):
        files.save(VALUES, tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())


def test_a_python_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that can be installed there would help."""
    monkeypatch.setattr("heatwidget.arrays.files.zarr._MIN_PYTHON", (4, 0))
    with pytest.raises(ImportError, match=r"need zarr 3, which needs Python 4\.0 or newer"):
        files.save(VALUES, tmp_path / "run.zarr")
    assert not list(tmp_path.iterdir())


def test_what_is_measured(tmp_path: Path) -> None:
    """It can be said while saving, of an array that does not say it."""
    path = tmp_path / "run.npz"
    files.save(VALUES, path, quantity="‖x − x*‖")
    assert files.open(path).quantity == "‖x − x*‖"
    files.save(files.open(path), path)
    assert files.open(path).quantity == "‖x − x*‖"
    with pytest.raises(TypeError, match="quantity must be a text, got 3"):
        files.save(VALUES, path, quantity=3)
