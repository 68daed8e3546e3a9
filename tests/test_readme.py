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

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEMO = 'pip install -e ".[app]" && heatwidget demo'
TESTS = 'pip install -e ".[test]" && python -m tests'


def blocks(language: str) -> list[str]:
    """Code blocks of one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_python_blocks_run_in_order() -> None:
    namespace: dict[str, object] = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), namespace)
    assert namespace["conv"].frame.shape == (5, 21)  # type: ignore[attr-defined]


def test_shell_commands_are_those_that_are_tested() -> None:
    # The second one is what runs this very test.
    assert [block.strip() for block in blocks("sh")] == [DEMO, TESTS]


def test_every_trait_in_the_table_exists() -> None:
    import heatwidget as hw

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
    name, *arguments = demo.split()
    process = subprocess.Popen(
        [scripts / name, *arguments, "--no-browser", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = re.search(r"http://\S+", process.stdout.readline())
        assert address is not None
        with urllib.request.urlopen(address[0], timeout=120) as page:
            text = page.read().decode()
        assert "Latent state convergence" in text
        assert "Activations across layers" in text
        assert "Traceback" not in text
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
