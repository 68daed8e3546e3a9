"""HDF5 files with links, and files that somebody else writes to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import h5py
import numpy as np
import pytest

import heatwidget as hw
from heatwidget.arrays import Region, StoredSource, files

from .test_files import refused

ACTS = np.arange(12, dtype="f4").reshape(3, 4)
WHOLE = Region(((0, 3), (0, 4)))


def test_links(tmp_path: Path) -> None:
    """An array is the same under each of its names, and is one of several only once."""
    path, other = tmp_path / "run.h5", tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["far/acts"] = -ACTS
    with h5py.File(path, "w") as file:
        file["runs/3/acts"] = ACTS
        file["first"] = h5py.SoftLink("/runs/3/acts")
        file["hard"] = file["runs/3/acts"]
        file["latest"] = h5py.SoftLink("/runs/3")
        file["runs/all"] = h5py.SoftLink("/")  # a circle
        file["gone"] = h5py.SoftLink("/nowhere")
        file["lost"] = h5py.ExternalLink("no-such-file.h5", "/x")
        file["type"] = np.dtype("f4")
    for name in (None, "runs/3/acts", "/runs/3/acts", "first", "/first", "hard", "latest/acts"):
        array = files.open(path, name=name)
        np.testing.assert_array_equal(array.values, ACTS)
        assert StoredSource(array).identity() is not None
    refused(path, "name must be one of those", name="gone")
    with h5py.File(path, "a") as file:
        file["beside"] = h5py.ExternalLink(other.name, "/far/acts")
    refused(path, "name must choose an array")
    array = files.open(path, name="beside")
    np.testing.assert_array_equal(array.values, -ACTS)
    for place in (path, other):  # neither is open
        h5py.File(place, "a").close()
    h5py.File(other, "a").close()


def test_only_links(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["acts"] = ACTS
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["a"] = h5py.ExternalLink("other.h5", "/acts")
        file["b"] = h5py.SoftLink("/a")
    for name in (None, "a", "b"):
        np.testing.assert_array_equal(files.open(tmp_path / "run.h5", name=name).values, ACTS)


@pytest.mark.parametrize("suffix", [".h5", ".nc"])
def test_its_owner_can_write(tmp_path: Path, suffix: str) -> None:
    """Here and in another process, while a heatmap shows it; and the next look sees it."""
    path = tmp_path / f"run{suffix}"
    hw.save(ACTS, path)
    heatmap = hw.Heatmap(hw.open(path))
    heatmap.flush()
    with h5py.File(path, "a") as file:
        file["values"][0] = 7
        heatmap.refresh()  # while it is open for writing here
        heatmap.flush()
        assert (heatmap.frame.values[0] == 7).all()
    append = "import h5py, sys\nwith h5py.File(sys.argv[1], 'a') as f: f['values'][1] = 8"
    subprocess.run([sys.executable, "-c", append, str(path)], check=True)
    heatmap.refresh()
    heatmap.flush()
    np.testing.assert_array_equal(heatmap.frame.values[:, 0], [7, 8, 8])
    heatmap.close()


def test_its_owner_can_write_while_it_is_read(tmp_path: Path) -> None:
    """No read of another thread is seen by HDF5 as a file that is open already."""
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((300, 400))
    source = StoredSource(files.open(path))
    done, errors = Event(), []

    def look() -> None:
        try:
            while not done.is_set():
                source.read(Region(((0, 300), (0, 400))))
        except OSError as error:
            errors.append(error)

    thread = Thread(target=look)
    thread.start()
    try:
        for number in range(50):
            with h5py.File(path, "a") as file:
                file["x"][0] = number
    finally:
        done.set()
        thread.join()
    assert not errors


WRITER = """
import sys, h5py, numpy as np
path, libver, swmr = sys.argv[1:]
with h5py.File(path, "w", libver=None if libver == "none" else libver) as file:
    acts = file.create_dataset("acts", data=np.zeros((3, 4), "f4"), chunks=(1, 4))
    file.flush()
    if swmr == "swmr":
        file.swmr_mode = True
    for line in sys.stdin:
        acts[...] = float(line)
        acts.flush()
        print("written", flush=True)
"""


@contextmanager
def being_written(path: Path, libver: str, swmr: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes a number into all cells when it is told, and holds the file open."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), libver, swmr],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        tell(process, 1)
        yield process
        assert process.stdin
        process.stdin.close()


def tell(process: subprocess.Popen[str], number: int) -> None:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "written\n"


@pytest.mark.parametrize(("libver", "swmr"), [("none", "-"), ("latest", "swmr")])
def test_a_file_that_another_process_writes(tmp_path: Path, libver: str, swmr: str) -> None:
    """It is read as far as it is on the disk, and each look sees what there is then."""
    path = tmp_path / "run.h5"
    with being_written(path, libver, swmr) as process:
        heatmap = hw.Heatmap(hw.open(path))
        for number in (2, 3):
            tell(process, number)
            heatmap.refresh()
            heatmap.flush()
            assert (heatmap.frame.values == number).all()
    heatmap.refresh()
    heatmap.close()


def test_an_array_that_grows(tmp_path: Path) -> None:
    """What was opened is read on; what has shrunk is not."""
    path = tmp_path / "run.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=ACTS, maxshape=(None, 4))
    source = StoredSource(files.open(path))
    with h5py.File(path, "a") as file:
        file["x"].resize(5, 0)
    np.testing.assert_array_equal(source.read(WHOLE).values, ACTS)
    with pytest.raises(ValueError, match=r"shape \(3, 4\), and now \(5, 4\): set_array"):
        source.refresh()
    with h5py.File(path, "a") as file:
        file["x"].resize(2, 0)
    with pytest.raises(OSError, match=r"has become one of shape \(2, 4\)"):
        source.read(WHOLE)


def test_from_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with h5py.File("run.h5", "w") as file:
        file["x"] = ACTS
    source = StoredSource(files.open("run.h5"))
    monkeypatch.chdir("/")
    source.refresh()
    np.testing.assert_array_equal(source.read(WHOLE).values, ACTS)


def test_a_file_that_cannot_be_read_meanwhile(tmp_path: Path) -> None:
    """It is said what its writer can do; afterwards it is read."""
    path = tmp_path / "run.h5"
    with being_written(path, "latest", "-"):
        refused(path, "is being written by another program")
        refused(path, "or set swmr_mode; h5clear -s frees a file")
    assert (files.open(path).values == 1).all()


def test_a_file_open_for_writing_here(tmp_path: Path) -> None:
    """As it is in the memory of HDF5, be it on the disk or not."""
    for more in ({}, {"libver": "latest"}, {"locking": False}):
        with h5py.File(tmp_path / "run.h5", "w", **more) as file:
            file["acts"] = ACTS
            np.testing.assert_array_equal(files.open(tmp_path / "run.h5").values, ACTS)


def test_arrays_of_the_user_follow_the_conventions(tmp_path: Path) -> None:
    """Of a dataset that they have opened themselves too."""
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["acts"], file["layer"] = np.arange(6, dtype="i2").reshape(2, 3), [1, 36]
        file["acts"].attrs["scale_factor"] = 0.5
        file["layer"].make_scale("layer")
        file["acts"].dims[0].attach_scale(file["layer"])
        file["acts"].dims[1].label = "token"
        array = hw.arrays.as_labelled(file["acts"], default_dims={})
        np.testing.assert_array_equal(array.values, [[0, 0.5, 1], [1.5, 2, 2.5]])
        assert array.coords["layer"].tolist() == [1, 36]


def test_a_library_that_cannot_leave_out_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older ones of h5py, or of HDF5 below it: they read all the same."""
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["acts"] = ACTS
    opened = h5py.File

    def older(*args: Any, **more: Any) -> Any:
        if "locking" in more:
            raise ValueError("h5py version >= 3.5.0 and HDF5 version >= 1.12.1 are needed")
        return opened(*args, **more)

    monkeypatch.setattr(h5py, "File", older)
    np.testing.assert_array_equal(files.open(tmp_path / "run.h5").values, ACTS)
