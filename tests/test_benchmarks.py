"""The benchmarks run, and say what they have counted. No number of seconds is looked at."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import cube, frame, kernel, leaks, live, metrics, opening, pages, peers, scrub
from benchmarks.__main__ import PARTS, main
from benchmarks.result import spread, table


def is_spread(record: dict[str, Any], middle: str = "ms") -> bool:
    """Whether a record has a median between its quartiles."""
    return bool(0 < record["lower"] <= record[middle] <= record["upper"])


@pytest.mark.browser
def test_scrub_sees_the_picture_change(monkeypatch: pytest.MonkeyPatch) -> None:
    # No more than two pages: each takes seconds to open.
    monkeypatch.setitem(peers.NEEDS, "plotly", ("no-such-library",))
    monkeypatch.setattr(scrub, "_WARM_UP", 1)
    names = ["floor", "heatwidget", "plotly"]
    found = scrub.run(shapes=[(6, 5)], repeats=1, names=names)
    by_name = {record["library"]: record for record in found.records}
    assert list(by_name) == names[:-1]
    for record in by_name.values():
        assert (record["tokens"], record["iterations"], record["presses"]) == (6, 5, 1)
        assert is_spread(record)
        assert record["answered"] < record["ms"]
    assert by_name["floor"]["of floor"] == 1
    # A label is smaller than a picture.
    assert by_name["floor"]["bytes"] < by_name["heatwidget"]["bytes"]
    assert found.notes[0] == "plotly left out: needs no-such-library"
    assert found.notes[1].startswith("heatwidget at 6x5: ")


class Page:
    """A page that takes so many milliseconds to answer a key press, or does not answer."""

    def __init__(self, milliseconds: float | None) -> None:
        self.milliseconds = milliseconds
        self.closed = False

    def press(self, key: str, *, quiet: float, timeout: float) -> dict[str, Any] | None:
        taken = self.milliseconds
        return taken and {"painted": taken, "received": taken / 2, "bytes": 10}  # type: ignore

    def close(self) -> None:
        self.closed = True


def test_slow_pages_are_pressed_less_and_silent_ones_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = {
        "floor": Page(20),
        "heatwidget": Page(50),
        "plotly": Page(30_000),
        "bqplot": Page(None),
    }
    monkeypatch.setattr(scrub, "NEEDS", dict.fromkeys(pages, ()))  # as if all were installed
    monkeypatch.setattr(scrub, "_pages", lambda shape, names: nullcontext(dict(pages)))
    found = scrub.run(shapes=[(1024, 256)], repeats=8, names=list(pages))
    by_name = {record["library"]: record for record in found.records}
    presses = {name: record["presses"] for name, record in by_name.items()}
    assert presses == {"floor": 8, "heatwidget": 8, "plotly": 3, "bqplot": 0}
    assert [page.closed for page in pages.values()] == [False, False, True, True]
    assert by_name["heatwidget"]["of floor"] == 2.5
    assert by_name["bqplot"]["ms"] is None
    assert found.notes == [
        "bqplot at 1024x256: no picture within 90 s",
        "heatwidget at 1024x256: 2.50 times the floor (at most 1.6), "
        "600.0 times as fast as the fastest peer (at least 4)",
    ]


def test_keys_go_up_and_come_back_within_the_layers() -> None:
    up = [key == "ArrowRight" for key in scrub._keys(100)]
    ends = cube.BAND[1] + np.cumsum(np.where(up, 1, -1))
    assert ends.min() >= cube.BAND[1]
    assert ends.max() < cube.N_LAYERS


def test_all_look_at_the_same_cube(tmp_path: Path) -> None:
    cube.write_cube(tmp_path / "cube", (7, 5))
    values = cube.open_cube(tmp_path / "cube", (7, 5))
    assert (values.shape, values.dtype, type(values)) == ((36, 7, 5), np.float32, np.ndarray)
    assert 0 < values.min() < values.max() <= 1


def test_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "_MAPPED", 1000)
    small, large = frame.run(**frame.QUICK).records
    assert (small["cells"], small["mapped"]) == ("10^3", "no")
    assert (large["cells"], large["mapped"]) == ("10^4", "yes")
    for record in (small, large):
        assert is_spread(record)
        # A frame was sent, and no more than one byte for each pixel.
        assert record["frame cells"] < record["bytes"] < record["pixels"]
    assert small["frame cells"] < large["frame cells"]


def test_first_picture_of_a_file() -> None:
    cold, kept = opening.run(**opening.QUICK).records
    assert (cold["overview"], kept["overview"]) == ("cold", "kept")
    for record in (cold, kept):
        assert record["GB"] == pytest.approx(4 * 300 * 40 * 4 / 1e9, rel=0.01)
        assert 0 < record["first picture"] <= record["complete"]
        assert 0 < record["cells shown"] <= 1


def test_cost_of_a_write() -> None:
    cases = {record["case"]: record for record in live.run(**live.QUICK).records}
    assert list(cases) == [
        *("numpy", "0 watchers", "1 watcher", "3 watchers"),
        *("1 watcher, drawing", "3 watchers, drawing"),
    ]
    assert (cases["numpy"]["ratio"], cases["numpy"]["added"]) == (1, 0)
    assert all(case["µs"] > 0 and case["ratio"] > 0 for case in cases.values())


def test_drawing_leaves_no_widget_and_no_comm() -> None:
    found = leaks.run(**leaks.QUICK)
    looks = found.records
    assert [look["frame"] for look in looks] == [0, 50, 100, 150, 200]
    for name in ("widgets", "comms"):
        assert len({look[name] for look in looks}) == 1, looks
        assert looks[0][name] > 10
    # Its one thread starts with the first write.
    assert len({look["threads"] for look in looks[1:]}) == 1
    assert found.notes[0].endswith("200 frames drawn")


def test_memory_of_pages() -> None:
    (record,) = pages.run(**pages.QUICK).records
    assert (record["pages"], record["processes"]) == (2, 2)
    assert 0 < record["server before"] < record["MB"]
    assert 10 < record["MB a page"] < record["MB"] / 2
    assert len(record["times"]) == 2
    assert 0 < record["first"] <= record["s"]


def test_the_command_writes_numbers_and_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    main(["metrics", "--quick", "--folder", str(tmp_path)])
    saved = json.loads((tmp_path / "metrics.json").read_text())
    part = saved["parts"]["metrics"]
    assert part["options"] == {"shape": [3, 4, 16], "repeats": 2}
    assert [record["dtype"] for record in part["records"]] == ["float32", "float16", "bfloat16"]
    for record in part["records"]:
        assert is_spread(record)
        assert record["speed of copy"] == record["copy"] / record["ms"]
        assert len(record["times"]) == metrics.QUICK["repeats"]
    assert part["records"][0]["temporaries"] > 0
    assert saved["quick"]
    assert {"python", "numpy", "heatwidget"} <= saved["versions"].keys()
    printed = capsys.readouterr().out
    assert printed.startswith(f"metrics\n\n{part['caption']}")
    assert table(part["records"]) in printed
    assert (tmp_path / "metrics.png").exists()


def test_without_its_library_a_part_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What Python makes of a library that is not there.
    for name in ("psutil", "matplotlib.axes"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("leaks", "picture"):
        monkeypatch.delitem(sys.modules, f"benchmarks.{name}", raising=False)
        monkeypatch.delattr(f"benchmarks.{name}", raising=False)
    main(["leaks", "--folder", str(tmp_path)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "leaks left out: needs psutil"
    assert lines[-1].startswith("no picture: needs matplotlib")


def test_every_part_has_a_panel_in_the_picture(tmp_path: Path) -> None:
    picture = pytest.importorskip("benchmarks.picture")
    assert picture._PANELS.keys() == PARTS.keys()
    times = {"ms": 2.0, "lower": 1.0, "upper": 3.0}
    size = {"tokens": 35, "iterations": 17}
    records: dict[str, list[dict[str, Any]]] = {
        "scrub": [
            {"library": "floor", **size, **times},
            {"library": "plotly", **size, **dict.fromkeys(times)},
        ],
        "frame": [{"cells": "10^3", "bytes": 1200, **times}],
        "metrics": [{"dtype": "float32", "copy": 1.0, "plain": 9.0, **times}],
        "open": [{"overview": "cold", "GB": 10.0, "first picture": 1.0, "complete": 9.0}],
        "live": [{"case": "numpy", "µs": 0.4}],
        "leaks": [{"frame": 0, "memory": 90.0}, {"frame": 9, "memory": 91.0}],
        "pages": [{"MB a page": 90.0, "times": [1.0, 2.0]}],
    }
    numbers = {
        "parts": {name: {"records": found} for name, found in records.items()},
        "versions": {"python": "3"},
        "machine": {"cpus": 2},
        "date": "2026-11-22T00:00:00",
    }
    picture.draw(numbers, tmp_path / "all.png")
    assert np.asarray(Image.open(tmp_path / "all.png").convert("L")).std() > 10


def test_table() -> None:
    records = [
        {"what": "a", "ms": 1234.5, "share": None, "times": [1]},
        {"what": "bcd", "ms": 0.001, "share": 0.5},
    ]
    assert table(records).splitlines() == [
        "what       ms  share",
        "a        1234      -",
        "bcd   1.0e-03   0.50",
    ]
    assert table([]) == "nothing measured"


def test_spread() -> None:
    assert spread([4, 1, 3, 2, 5]) == (2, 3, 4)
    assert spread([7]) == (7, 7, 7)


def test_what_raises_in_the_kernel_raises_here() -> None:
    assert kernel.measure_in_kernel("json.loads", s='{"a": [1, "é"]}') == {"a": [1, "é"]}
    with pytest.raises(RuntimeError, match="JSONDecodeError"):
        kernel.measure_in_kernel("json.loads", s="{")
