"""Hooks and modes that a capture sets on torch modules and restores at its end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from threading import RLock, get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..arrays.writing import before_write

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# Called with the index of the module, all its inputs, and its output tensor.
Hook = Callable[[int, tuple[Any, ...], "Tensor"], None]

# Seconds between two checks for cancellation of a run that waits for another capture.
_CANCEL_INTERVAL = 0.1

_turns: WeakKeyDictionary[Any, RLock] = WeakKeyDictionary()
_lock = RLock()


def device_of(model: Any) -> torch.device:
    """Device of the first parameter, for the input ids; the CPU for a model without parameters."""
    import torch

    first = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
    return torch.device("cpu") if first is None else first.device


def name_of(model: Any) -> str:
    """Name under which the model was loaded, without folder or owner; else its class name."""
    path = str(getattr(getattr(model, "config", None), "_name_or_path", ""))
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or type(model).__name__


def config_of(model: Any) -> Any:
    """Configuration of a model, of its text part if it has several parts; None if it has none."""
    config: Any = getattr(model, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def vocabulary_of(model: Any) -> int | None:
    """Vocabulary size of a model; None if it is not known."""
    table: Any = None
    with suppress(AttributeError, NotImplementedError):
        table = model.get_input_embeddings()
    if table is None:
        table = getattr(getattr(model, "transformer", None), "wte", None)
    size = getattr(table, "num_embeddings", None)
    return size if isinstance(size, int) else None


@contextmanager
def quiet(model: Any) -> Iterator[None]:
    """Disable gradients and dropout in the block; restore each submodule's mode at the end.

    The mode of each module is set directly, because ``train()`` and ``eval()`` may do more, such
    as merge adapters into the weights. Captures of the same model in two threads run one after
    the other. Otherwise one would restore the modes that the other has set.
    """
    import torch

    with _turn(model), _without_training(model), torch.no_grad():
        yield


@contextmanager
def _turn(model: Any) -> Iterator[None]:
    turn = RLock()
    # A model that cannot be a key has a lock of its own.
    with _lock, suppress(TypeError):
        turn = _turns.setdefault(model, turn)
    while not turn.acquire(timeout=_CANCEL_INTERVAL):
        before_write.get()()
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _without_training(model: Any) -> Iterator[None]:
    modules = list(model.modules()) if hasattr(model, "modules") else []
    training = [module for module in modules if module.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


@contextmanager
def hooked(
    modules: Sequence[Any],
    hook: Hook,
    *,
    any_thread: bool = False,
    on_error: Callable[[Exception], None] = lambda _: None,
) -> Iterator[None]:
    """Call `hook` after each call of a module in the block; remove all hooks at the end.

    Calls on other threads, where other code may use the same model, count only with
    `any_thread`. Calls made by the hook itself do not count.

    Errors of the hook never reach the call of the module. After the first error `on_error` is
    called, the hook is not called again, and the error is raised at the end of the block. If the
    block itself raises, the error becomes a note of that exception. A `BaseException` that is not
    an `Exception`, such as an interrupt or a cancelled run, passes through at once.
    """
    watch = _Watch(hook, None if any_thread else get_ident(), on_error)
    try:
        with ExitStack() as stack:
            for number, module in enumerate(modules):
                call = _adapted(number, watch)
                stack.enter_context(module.register_forward_hook(call, with_kwargs=True))
            yield
    except BaseException as error:
        if watch.error is not None and sys.version_info >= (3, 11):
            error.add_note(f"The capture had stopped: {type(watch.error).__name__}: {watch.error}")
        raise
    if watch.error is not None:
        raise watch.error


class _Watch:
    """Calls a hook until its first error, on one thread or on all (None), not recursively."""

    def __init__(
        self, hook: Hook, thread: int | None, on_error: Callable[[Exception], None]
    ) -> None:
        self.error: Exception | None = None
        self._hook, self._thread, self._on_error = hook, thread, on_error
        self._inside: set[int] = set()

    def __call__(self, number: int, given: tuple[Any, ...], made: Any) -> None:
        thread = get_ident()
        if self.error is not None or thread in self._inside or self._thread not in (None, thread):
            return
        try:
            self._inside.add(thread)
            self._hook(number, given, first_tensor(made))
        except Exception as error:
            self.error = error
            self._on_error(error)
        finally:
            self._inside.discard(thread)


def _adapted(number: int, watch: _Watch) -> Callable[..., None]:
    # torch omits the keywords while another thread adds or removes a hook.
    def call(_: Any, args: tuple[Any, ...], *more: Any) -> None:
        *keywords, output = more
        watch(number, (*args, *(value for part in keywords for value in part.values())), output)

    return call


def first_tensor(value: Any) -> Tensor:
    """First tensor in the input or output of a module.

    Raises
    ------
    TypeError
        If it holds no tensor.
    """
    import torch

    parts = value.values() if isinstance(value, Mapping) else value
    # A tensor is itself an Iterable.
    if isinstance(value, torch.Tensor) or not isinstance(parts, Iterable):
        parts = (value,)
    for part in parts:
        if isinstance(part, torch.Tensor):
            return part
    raise TypeError(f"a hooked module must take and return tensors, got {type(value).__name__}")
