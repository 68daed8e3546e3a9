"""Overviews on disk: what was kept comes back, and what is damaged does not."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatwidget.arrays import Region
from heatwidget.frames import kept, render
from heatwidget.frames.budget import BUDGET, Budget
from heatwidget.frames.kept import cache_folder, keep, load_kept
from heatwidget.frames.overview import Overview

from .sources import WatchedSource
from .test_incremental import same
from .test_overview import (
    budgets,
    fill_up,
    filled,
    labelled,
    make_view,
    resolved,
    sources,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cache of its own."""
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path))
    return tmp_path / "overviews"


def an_overview(budget: Budget = BUDGET) -> tuple[WatchedSource, Overview]:
    return filled((300, 4, 100), {}, budget)


def empty_like(source: WatchedSource) -> Overview:
    return Overview(source, make_view(source).cells)


@given(budgets(), sources(), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(budget: Budget, source: WatchedSource, data: st.DataObject) -> None:
    """The same frames, the same extent; and it can be written to."""
    view = resolved(data.draw, source)
    made, loaded = (Overview(source, view.cells, budget) for _ in range(2))
    fill_up(made, source)
    keep(made, "this array")
    assert load_kept(loaded, "this array")
    assert loaded.complete
    assert loaded.extent == made.extent
    assert same(render(source, view, overview=loaded), render(source, view, overview=made))
    region = Region(tuple((0, 1) for _ in source.values.shape))
    source.write(region, 1, False)
    for one in (made, loaded):
        one.update(source, [region])
    assert same(render(source, view, overview=loaded), render(source, view, overview=made))


def test_key() -> None:
    """Another array, or another way to pool it, is another overview."""
    source, made = an_overview()
    keep(made, "one")
    assert not load_kept(empty_like(source), "other")
    other = Overview(source, make_view(source, "max").cells)
    assert not load_kept(other, "one")
    assert not other.complete
    assert load_kept(empty_like(source), "one")


def test_values_are_mapped(folder: Path) -> None:
    """Opening does not read them."""
    source, made = an_overview()
    keep(made, "one")
    loaded = empty_like(source)
    assert load_kept(loaded, "one")
    for part in loaded.parts().values():
        assert isinstance(part.base, np.memmap)
        assert not part.flags.writeable


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def cut_tail(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    path.write_bytes(b"something else altogether" * 1000)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


def flip_text(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


def other_key(path: Path) -> None:
    _, made = an_overview()
    keep(made, "another").replace(path)


@pytest.mark.parametrize(
    "damage", [truncate, cut_tail, empty, foreign, flip, flip_text, append, other_key]
)
def test_damaged(damage: Callable[[Path], None]) -> None:
    """It is as if there were none; it is removed, and can be kept anew."""
    source, made = an_overview()
    path = keep(made, "one")
    damage(path)
    loaded = empty_like(source)
    assert not load_kept(loaded, "one")
    assert loaded.progress == 0
    assert not path.exists()
    keep(made, "one")
    assert load_kept(loaded, "one")


def test_what_is_not_all_read_is_not_kept(folder: Path) -> None:
    """Only the whole picture."""
    source, _ = an_overview()
    with pytest.raises(ValueError, match=r"overview must be complete.*0%"):
        keep(empty_like(source), "one")


def test_folder_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says where, and why; loading finds nothing."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEATWIDGET_CACHE", str(tmp_path / "file"))
    source, made = an_overview()
    with pytest.raises(OSError, match=r"cannot keep the overview in .*file.overviews"):
        keep(made, "one")
    assert not load_kept(empty_like(source), "one")


def test_full_disk(folder: Path) -> None:
    """What was kept before stays whole, and nothing else is left."""
    _, made = an_overview()
    path = keep(made, "one")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        mock.patch.object(kept.os, "fsync", fail),
        pytest.raises(OSError, match="No space left on device"),
    ):
        keep(made, "one")
    assert path.read_bytes() == before
    assert list(folder.iterdir()) == [path]


def test_least_recently_used_goes(folder: Path) -> None:
    """Until the rest is no larger than it may be; what was looked at counts as used."""
    source, made = an_overview()
    paths = [keep(made, name) for name in "abc"]
    for age, path in enumerate(paths):
        os.utime(path, (1000 + age, 1000 + age))
    assert load_kept(empty_like(source), "a")
    _, made = an_overview(Budget(disk_bytes=3 * paths[0].stat().st_size + 5))
    newest = keep(made, "d")
    assert set(folder.iterdir()) == {paths[0], paths[2], newest}


def test_users_cache_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system says, unless told otherwise."""
    monkeypatch.delenv("HEATWIDGET_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder().name == "overviews"
    assert "heatwidget" in str(cache_folder())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("HEATWIDGET_CACHE", "~/here")
    assert cache_folder() == tmp_path / "here" / "overviews"


def test_unfinished_files(folder: Path) -> None:
    """What a process that was ended has left goes after a day, not before."""
    _, made = an_overview()
    with (
        mock.patch.object(kept.os, "fsync", side_effect=OSError),
        mock.patch.object(Path, "unlink"),
        pytest.raises(OSError, match="cannot keep"),
    ):
        keep(made, "one")
    (left,) = folder.iterdir()
    now = left.stat().st_mtime
    for age, there in ((3600, True), (100_000, False)):
        os.utime(left, (now - age, now - age))
        keep(made, "one")
        assert left.exists() == there


@pytest.mark.parametrize("in_memory", [True, False])
def test_written_without_the_lock(folder: Path, in_memory: bool) -> None:
    """A frame does not wait for the disk; and a change made meanwhile is not kept."""
    source, made = filled((300, 4, 100), {}, in_memory=in_memory)
    view = make_view(source)
    wanted = render(source, view, overview=made)
    region = Region(((0, 20), (0, 4), (0, 100)))

    def change() -> None:
        source.write(region, np.float32(9), False)
        made.update(source, [region])

    def meanwhile(*_: object) -> None:
        other = Thread(target=change, daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive()

    write = json.dumps

    def dumps(*args: object) -> str:
        if isinstance(args[0], dict):
            meanwhile()
        return write(*args)

    with mock.patch.object(kept.json, "dumps", dumps):
        keep(made, "one")
    loaded = empty_like(source)
    assert load_kept(loaded, "one")
    assert same(render(source, view, overview=loaded), wanted)
    assert not same(render(source, view, overview=made), wanted)


def test_an_array_of_two_axes() -> None:
    """Without a hidden axis as well."""
    values = np.random.default_rng(1).random((500, 200), np.float32)
    source = WatchedSource(labelled(values, "iteration", "token"))
    view = make_view(source)
    made, loaded = Overview(source, view.cells), Overview(source, view.cells)
    fill_up(made, source)
    keep(made, "flat")
    assert load_kept(loaded, "flat")
    assert same(render(source, view, overview=loaded), render(source, view, overview=made))
