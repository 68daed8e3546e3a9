"""Torch tensors, on any device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..source import Region, map_here
from .adapter import nothing_to_check
from .stamps import fingerprint, same_file, stamp_file, stat_file

# Types that torch and numpy share; the other floating ones are read as float32.
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_SHARED = frozenset(("bool", *_INTEGERS, "float16", "float32", "float64"))


class TensorAdapter:
    """A dense torch tensor. Its gradients are left alone.

    On the processor a read is a view, or a conversion of the region. From another device the
    region alone is copied, in the tensor's own type, and waits for what the device has to do
    before: that is no access to memory.

    Parameters
    ----------
    tensor : torch.Tensor
    """

    chunks = None
    dims = None
    coords = ()
    map = map_here
    check = nothing_to_check

    def __init__(self, tensor: Any) -> None:
        layout = str(tensor.layout).removeprefix("torch.")
        if layout != "strided" or tensor.is_nested:
            raise TypeError(f"array must be dense, got a torch tensor of layout {layout}")
        if tensor.is_meta:
            raise TypeError("array must hold values, got a torch tensor on the meta device")
        self._tensor = tensor
        self.dtype = _dtype(tensor)
        self.attrs: Mapping[str, Any] = {}

    @property
    def name(self) -> str:
        """What the array is, for messages."""
        return f"torch tensor on {self._tensor.device}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self._tensor.shape)

    @property
    def in_memory(self) -> bool:
        """Whether it is on the processor."""
        return str(self._tensor.device.type) == "cpu"

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region, as a view where nothing has to be converted."""
        part = self._tensor.detach()[region.slices].cpu().resolve_neg()
        shared = str(part.dtype).removeprefix("torch.") in _SHARED
        values: NDArray[Any] = (part if shared else part.float()).numpy()
        return values

    def identity(self) -> str | None:
        """None: it may be written to at any time."""
        return None

    def close(self) -> None:
        """Nothing is under way."""


class FileTensor(NamedTuple):
    """A torch tensor whose values are mapped from a file, under a name."""

    path: str
    name: str
    tensor: Any
    opened: tuple[int, ...] | None  # what `stat_file` said

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return tuple(self.tensor.shape)

    @property
    def dtype(self) -> Any:
        """Type of the values, as torch has it."""
        return self.tensor.dtype


class FileTensorAdapter(TensorAdapter):
    """A torch tensor mapped from a file.

    As with a map of numpy, an access beyond the end of a file that was cut would end the
    process, so its length is looked at before each read.

    Parameters
    ----------
    file : FileTensor
    """

    in_memory = False

    def __init__(self, file: FileTensor) -> None:
        super().__init__(file.tensor)
        self._file = file

    @property
    def name(self) -> str:
        """What the array is, for messages."""
        return f"torch tensor {self._file.name} of {self._file.path}"

    def read(self, region: Region) -> NDArray[Any]:
        """Return the values of a region."""
        opened, now = self._file.opened, stat_file(self._file.path)
        if opened and now and same_file(opened, now) and now[2] < opened[2]:
            raise OSError("the file has become shorter since it was opened")
        return super().read(region)

    def identity(self) -> str | None:
        """Return a text made of the file's size, its time of change and some of its content."""
        stamp = stamp_file(self._file.path, self._file.opened)
        layout = (self._file.name, self.shape, str(self._tensor.dtype))
        return None if stamp is None else fingerprint("torch", layout, stamp)


def _dtype(tensor: Any) -> np.dtype[Any]:
    """Type as which a tensor is read."""
    name = str(tensor.dtype).removeprefix("torch.")
    if name in _SHARED:
        return np.dtype(name)
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"array must hold real numbers, got dtype {name}")
    return np.dtype(np.float32)
