"""Captures in several threads: as each would be alone."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from heatwidget import capture
from heatwidget.arrays.writing import before_write
from heatwidget.capture.modules import quiet
from heatwidget.samples.recurrent import RecurrentModel, encode, load_model
from tests.capture.models import WithoutGenerator

# Long enough for any machine; only a deadlock takes it.
DEADLOCK = 60
TEXT = encode("Where it settles")


def together(*jobs: Any) -> list[Any]:
    """Results of jobs that run at once; the first error is raised."""
    found: dict[int, Any] = {}

    def run(number: int, job: Any) -> None:
        try:
            found[number] = job()
        except BaseException as error:
            found[number] = error

    threads = [Thread(target=run, args=each, daemon=True) for each in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLOCK)
    assert not any(thread.is_alive() for thread in threads)
    for result in found.values():
        if isinstance(result, BaseException):
            raise result
    return [found[number] for number in range(len(jobs))]


def test_two_captures_of_one_model() -> None:
    """Each gets its own rows, and the modes of the model are put back."""
    model = WithoutGenerator()

    def plain() -> np.ndarray:
        return capture.recurrent(model, TEXT, iterations=20, seed=1).to_numpy()

    def core() -> np.ndarray:
        return capture.recurrent(model, TEXT, iterations=20, seed=2, layers="core").to_numpy()

    alone = [plain(), core()]
    at_once = together(plain, core, plain, core)
    for number, result in enumerate(at_once):
        np.testing.assert_array_equal(result, alone[number % 2])
    assert all(module.training for module in model.modules())


def test_noise_of_two_models() -> None:
    """Torch has one generator for all threads."""
    models = [WithoutGenerator() for _ in range(4)]

    def first_row(model: RecurrentModel) -> np.ndarray:
        return capture.recurrent(model, TEXT, iterations=1, metric=lambda s: s[..., 0]).to_numpy()

    alone = first_row(models[0])
    for result in together(*[lambda model=model: first_row(model) for model in models] * 4):
        np.testing.assert_array_equal(result, alone)


def test_others_who_use_the_model_meanwhile_are_not_recorded() -> None:
    """A forward pass on another thread goes through the same hooked blocks."""
    model, ended = load_model(), Event()
    alone = capture.recurrent(model, TEXT, iterations=20, layers="core").to_numpy()

    def use() -> None:
        while not ended.is_set():
            model(encode("Something else"), num_steps=3)

    user = Thread(target=use, daemon=True)
    user.start()
    try:
        for _ in range(3):
            again = capture.recurrent(model, TEXT, iterations=20, layers="core").to_numpy()
            np.testing.assert_array_equal(again, alone)
    finally:
        ended.set()
        user.join(DEADLOCK)


def test_noise_is_not_torn_by_others_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that draws between the seed and the noise."""
    model = load_model()
    alone = capture.recurrent(model, TEXT, iterations=2).to_numpy()
    draw = model.initialize_state

    def late(embeds: Tensor, scale: float = 1.0, generator: Any = None) -> Tensor:
        torch.rand(7)
        return draw(embeds, scale, generator)

    monkeypatch.setattr(model, "initialize_state", late)
    again = capture.recurrent(model, TEXT, iterations=2).to_numpy()
    np.testing.assert_array_equal(again, alone)


def test_a_capture_inside_a_capture() -> None:
    """A metric may run the model too."""
    model = load_model()

    def metric(state: Tensor) -> Tensor:
        inner = capture.recurrent(model, TEXT, iterations=2)
        return torch.zeros(state.shape[:-1]) + float(inner.to_numpy()[0, 0])

    outer = capture.recurrent(model, TEXT, iterations=1, metric=metric)
    assert outer.n_written == 2 * TEXT.shape[1]


def test_cancelled_while_it_waits_for_its_turn() -> None:
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    model = load_model()

    def cancelled() -> None:
        before_write.set(stop)
        with pytest.raises(Stop):
            capture.recurrent(model, TEXT, iterations=1)

    with quiet(model):
        together(cancelled)
