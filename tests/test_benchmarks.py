"""The benchmarks run, and say what they have counted. No number of seconds is looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kernel, leaks, live


def run(main: Any, tmp_path: Path, *arguments: str) -> Any:
    """What a benchmark saves."""
    file = tmp_path / "numbers.json"
    main([*arguments, "--json", str(file)])
    return json.loads(file.read_text())


def test_cost_of_a_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = run(live.main, tmp_path, "--tokens", "5", "--writes", "10", "--repeats", "3")
    assert (saved["tokens"], saved["writes"], saved["repeats"]) == (5, 10, 3)
    cases = {case["case"]: case for case in saved["cases"]}
    assert list(cases) == [
        *("numpy", "0 watchers", "1 watcher", "3 watchers"),
        *("1 watcher, drawing", "3 watchers, drawing"),
    ]
    assert (cases["numpy"]["ratio"], cases["numpy"]["added_microseconds"]) == (1, 0)
    assert all(case["microseconds"] > 0 and case["ratio"] > 0 for case in cases.values())
    lines = capsys.readouterr().out.splitlines()
    assert [line[:24].strip() for line in lines] == ["one write of 5 tokens", *cases]


def test_drawing_leaves_no_widget_and_no_comm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = run(leaks.main, tmp_path, "--frames", "200", "--looks", "4")
    assert held["drawn"] == 200
    assert held["frame"] == [0, 50, 100, 150, 200]
    for name in ("widgets", "comms"):
        assert len(set(held[name])) == 1, held[name]
        assert held[name][0] > 10
    # Its one thread starts with the first write.
    assert len(set(held["threads"][1:])) == 1
    assert "slope: " in capsys.readouterr().out


def test_what_raises_in_the_kernel_raises_here() -> None:
    assert kernel.measure_in_kernel("json.loads", s='{"a": [1, "é"]}') == {"a": [1, "é"]}
    with pytest.raises(RuntimeError, match="JSONDecodeError"):
        kernel.measure_in_kernel("json.loads", s="{")
