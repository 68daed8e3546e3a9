"""Which browser the tests take, and what they do when there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import tests.__main__ as runner
from tests.browser import chromium

MakeProgram = Callable[..., str]


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    """Function that writes a program which ends with the given status."""

    def make(name: str, *, folder: str = "bin", status: int = 0) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\n[ "$1" = --version ] || exit 9\nexit {status}\n')
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture(autouse=True)
def no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a browser, whose PATH holds one folder for the tests to fill."""
    monkeypatch.delenv(chromium.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(chromium, "_playwright_chromium", lambda: None)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The installing commands, which are noted instead of run."""
    noted: list[list[str]] = []
    run = chromium._run

    def note(command: Sequence[str], **options: object) -> bool:
        if "install" not in command and "update" not in command:
            return run(command, timeout=60)
        noted.append(list(command))
        return False

    monkeypatch.setattr(chromium, "_run", note)
    return noted


def _be_root(monkeypatch: pytest.MonkeyPatch, answer: bool) -> None:
    monkeypatch.setattr(chromium, "_is_root", lambda: answer)


def test_nothing_is_found_on_an_empty_machine() -> None:
    assert chromium.find_chromium() is None


@pytest.mark.parametrize("name", chromium.NAMES)
def test_every_usual_name_is_found(name: str, make_program: MakeProgram) -> None:
    path = make_program(name)
    assert chromium.find_chromium() == path


def test_names_are_tried_in_order(make_program: MakeProgram) -> None:
    make_program("google-chrome")
    best = make_program("chromium")
    assert chromium.find_chromium() == best


def test_a_browser_that_does_not_start_is_passed_over(make_program: MakeProgram) -> None:
    make_program("chromium", status=1)
    works = make_program("google-chrome")
    assert chromium.find_chromium() == works


def test_playwrights_own_browser_comes_before_path(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program("chromium")
    own = make_program("chrome", folder="playwright")
    monkeypatch.setattr(chromium, "_playwright_chromium", lambda: own)
    assert chromium.find_chromium() == own


def test_the_variable_comes_first(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program("chromium")
    wish = make_program("mine", folder="elsewhere")
    monkeypatch.setenv(chromium.VARIABLE, wish)
    assert chromium.find_chromium() == wish


@pytest.mark.parametrize("wish", ["/nowhere/chromium", "broken"])
def test_a_wrong_variable_is_an_error_and_nothing_else_is_taken(
    wish: str,
    make_program: MakeProgram,
    monkeypatch: pytest.MonkeyPatch,
    commands: list[list[str]],
) -> None:
    make_program("chromium")
    make_program("broken", status=1)
    monkeypatch.setenv(chromium.VARIABLE, wish)
    assert chromium.find_chromium() is None
    with pytest.raises(RuntimeError, match=f"{chromium.VARIABLE}={wish}"):
        chromium.ensure_chromium()
    assert commands == []


def test_nothing_is_installed_when_there_is_a_browser(
    make_program: MakeProgram, commands: list[list[str]]
) -> None:
    path = make_program("chromium")
    assert chromium.ensure_chromium() == path
    assert commands == []


def test_the_installed_browser_is_taken(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chromium, "_install_with_playwright", lambda: make_program("chromium"))
    monkeypatch.setattr(chromium, "_install_with_apt", lambda: pytest.fail("not needed"))
    assert Path(chromium.ensure_chromium()).name == "chromium"


def test_without_root_only_playwright_is_asked(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    make_program("apt-get")
    _be_root(monkeypatch, False)
    with pytest.raises(RuntimeError, match="playwright install chromium"):
        chromium.ensure_chromium()
    assert [command[1:] for command in commands] == [["-m", "playwright", "install", "chromium"]]


def test_root_asks_apt_next_even_if_the_update_failed(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    make_program("apt-get")
    _be_root(monkeypatch, True)
    with pytest.raises(RuntimeError, match=f"set {chromium.VARIABLE}"):
        chromium.ensure_chromium()
    assert commands[1:] == [["apt-get", "update"], ["apt-get", "install", "-y", "chromium"]]


def test_root_without_apt_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    _be_root(monkeypatch, True)
    with pytest.raises(RuntimeError, match="No Chromium was found"):
        chromium.ensure_chromium()
    assert len(commands) == 1


def test_only_root_goes_without_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    _be_root(monkeypatch, True)
    assert "--no-sandbox" in chromium.launch_args()
    _be_root(monkeypatch, False)
    assert "--no-sandbox" not in chromium.launch_args()


def test_a_program_that_hangs_does_not_start(make_program: MakeProgram) -> None:
    path = Path(make_program("chromium"))
    path.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    assert not chromium._run([str(path), "--version"], timeout=0.2)


def test_the_runner_says_in_one_sentence_that_there_is_no_browser(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], commands: list[list[str]]
) -> None:
    _be_root(monkeypatch, False)
    monkeypatch.setattr(pytest, "main", lambda args: pytest.fail("must not run"))
    assert runner.main([]) != 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert "need a browser" in told.err


def test_the_runner_passes_arguments_and_status_on(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = make_program("chromium")
    monkeypatch.setenv(chromium.VARIABLE, path)
    monkeypatch.chdir(tmp_path)
    seen: list[object] = []

    def main(args: list[str]) -> int:
        seen.extend([args, Path.cwd()])
        return 3

    monkeypatch.setattr(pytest, "main", main)
    assert runner.main(["-k", "colour"]) == 3
    assert seen == [["-k", "colour"], runner.ROOT]
