"""The README is true: its Python runs, and its first command shows the demo page."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

import ipywidgets
import numpy as np
import pytest

import heatwidget as hw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEMO = 'pip install -e ".[app]" && heatwidget demo'
TESTS = 'pip install -e ".[test]" && python -m tests'
VIEW = "heatwidget view run.npz"


def blocks(language: str) -> list[str]:
    """Code blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_blocks_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # one of them saves a file
    namespace: dict[str, object] = {}
    try:
        for block in blocks("python"):
            exec(compile(block, "README.md", "exec"), namespace)
        assert namespace["conv"].frame.shape == (5, 21)  # type: ignore[attr-defined]
    finally:
        # A slider is held by ipywidgets, and holds the heatmap that it is linked with.
        ipywidgets.Widget.close_all()


def test_shell_commands_are_those_that_are_tested() -> None:
    # The second one is what runs this very test.
    commands = [re.sub(" +#.*", "", block).strip() for block in blocks("sh")]
    assert commands == [DEMO, TESTS, VIEW]


def test_every_trait_in_the_table_exists() -> None:
    table = README.split("## What can be set")[1].split("```")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert len(names) > 10
    assert set(names) <= set(hw.Heatmap.class_trait_names())


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)


@pytest.mark.timeout(900)
def test_first_command_in_a_fresh_environment(tmp_path: Path) -> None:
    """From a copy of the repository, with a Python that has nothing of ours."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns(
        ".git", "screenshots", "__pycache__", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, clone, ignore=ignored)
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    install, demo = DEMO.split(" && ")
    subprocess.run(
        [scripts / "python", "-m", *install.replace('"', "").split(), "--quiet"],
        cwd=clone,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    hw.save(np.ones((3, 2)), tmp_path / "run.npz", prompts=["a", "b"])
    for command, texts in (
        (demo, ["Latent state convergence", "Activations across layers"]),
        (VIEW, ["run.npz"]),
    ):
        page = served(scripts, command, tmp_path)
        assert "Traceback" not in page
        for text in texts:
            assert text in page


def served(scripts: Path, command: str, folder: Path) -> str:
    """Page that a command serves until it is interrupted."""
    name, *arguments = command.split()
    process = subprocess.Popen(
        [scripts / name, *arguments, "--no-browser", "--port", "0"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        # As a browser does, which the address leads on with a cookie.
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(address[0], timeout=120) as page:
            text: str = page.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        return text
    finally:
        process.kill()
        process.wait()
