"""What a capture does to a torch module, and undoes when it ends."""

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

# Gets the module's number, all that went in and the tensor that came out.
Hook = Callable[[int, tuple[Any, ...], "Tensor"], None]

# Seconds between two looks at whether a run that waits for its turn was cancelled.
_PATIENCE = 0.1

_turns: WeakKeyDictionary[Any, RLock] = WeakKeyDictionary()
_lock = RLock()


def device_of(model: Any) -> torch.device:
    """Device of the first parameter, where the input ids go; the CPU without parameters."""
    import torch

    first = next(iter(model.parameters()), None) if hasattr(model, "parameters") else None
    return torch.device("cpu") if first is None else first.device


def name_of(model: Any) -> str:
    """Name that the model was loaded by, without folder or owner; else its class."""
    path = str(getattr(getattr(model, "config", None), "_name_or_path", ""))
    return path.replace("\\", "/").rstrip("/").rpartition("/")[2] or type(model).__name__


def config_of(model: Any) -> Any:
    """Configuration of a model, of its text part if there are more; None without one."""
    config: Any = getattr(model, "config", None)
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def vocabulary_of(model: Any) -> int | None:
    """How many token ids a model knows; None where it does not tell."""
    table: Any = None
    with suppress(AttributeError, NotImplementedError):
        table = model.get_input_embeddings()
    if table is None:
        table = getattr(getattr(model, "transformer", None), "wte", None)
    size = getattr(table, "num_embeddings", None)
    return size if isinstance(size, int) else None


@contextmanager
def quiet(model: Any) -> Iterator[None]:
    """No gradients and no dropout inside; each submodule's mode is put back at the end.

    The modes are set one by one: ``train()`` and ``eval()`` may do more than that, such as
    merging adapters into the weights. Captures of one model wait for each other: two at once,
    in two threads, would put back the modes that the other has set.
    """
    import torch

    with _turn(model), _without_training(model), torch.no_grad():
        yield


@contextmanager
def _turn(model: Any) -> Iterator[None]:
    turn = RLock()
    # What cannot be a key is a model of nobody else's.
    with _lock, suppress(TypeError):
        turn = _turns.setdefault(model, turn)
    while not turn.acquire(timeout=_PATIENCE):
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
    """Call `hook` after each call of a module inside; nothing is left on them at the end.

    Calls on other threads, where somebody else may use the same model, count only if asked;
    those that the hook itself makes do not.

    The call never sees what the hook raises. After its first error the hook is not called
    again, `on_error` is, and the error is raised at the end; where the block raises an error
    of its own, it becomes a note of that. What is no `Exception` goes through at once: an
    interrupt, or the end of a run that was cancelled.
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
    """Calls a hook until it fails, on one thread or on all (None), and never from within."""

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
    # Torch leaves out the keywords while another thread is putting on, or taking off, a hook.
    def call(_: Any, args: tuple[Any, ...], *more: Any) -> None:
        *keywords, output = more
        watch(number, (*args, *(value for part in keywords for value in part.values())), output)

    return call


def first_tensor(value: Any) -> Tensor:
    """What a module takes or returns, or the first tensor in it.

    Raises
    ------
    TypeError
        If there is none.
    """
    import torch

    parts = value.values() if isinstance(value, Mapping) else value
    # A tensor can be iterated too.
    if isinstance(value, torch.Tensor) or not isinstance(parts, Iterable):
        parts = (value,)
    for part in parts:
        if isinstance(part, torch.Tensor):
            return part
    raise TypeError(f"a hooked module must take and return tensors, got {type(value).__name__}")
