"""Metrics of torch tensors, computed on their device.

Only one flag per block is copied to the host. No gradient is recorded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import blocks, ranks
from .blocks import Array, Region, floats, part_of, tiles

# On a CPU: number of elements whose squares are summed in the dtype of the result.
_SUMMED_CELLS = 512


def as_real(name: str, value: Any) -> Tensor:
    """Convert `value` to a detached tensor of real numbers."""
    if not isinstance(value, Tensor):
        array = blocks.as_real(name, value)
        # Copied, because torch takes neither read-only memory nor negative strides.
        value = torch.from_numpy(np.array(floats(array, blocks.result_dtype(array)), order="C"))
    if value.is_complex() or value.is_quantized or value.layout != torch.strided:
        raise TypeError(
            f"{name} must be a strided tensor of real numbers, got {value.dtype}, {value.layout}"
        )
    tensor: Tensor = value.detach()
    return tensor


def to_numpy(name: str, tensor: Tensor) -> Array:
    """Convert a tensor to an array on the host, without a copy where possible."""
    tensor = as_real(name, tensor).cpu()
    if tensor.is_floating_point() and tensor.dtype.itemsize <= 2:
        tensor = tensor.float()  # numpy has neither bfloat16 nor 8-bit floats
    array: Array = tensor.numpy()
    return array


def result_dtype(*tensors: Tensor) -> torch.dtype:
    """Result dtype by numpy's rule: a tensor and its numpy copy give the same."""
    exact = all(t.dtype.itemsize <= 2 or t.dtype == torch.float32 for t in tensors)
    return torch.float32 if exact else torch.float64


def distances(x: Tensor, y: Tensor, dtype: torch.dtype, *scales: Tensor) -> Tensor:
    """`Library.distances`."""
    d_model = x.shape[-1]
    if d_model > blocks.BLOCK_CELLS:
        return _wide_distances(x, y, dtype, *scales)
    if y.numel() <= blocks.KEPT_CELLS:
        y = y.to(x.device, dtype)
    # In memory order.
    strides = list(zip(x.stride(), y.stride(), strict=True))
    order = sorted(range(x.ndim - 1), key=strides.__getitem__, reverse=True)
    operands = [tensor.permute(*order, -1) for tensor in (x, y, *scales)]
    norms = torch.empty(x.shape[:-1], dtype=dtype, device=x.device)
    target = norms.permute(order)
    buffer = torch.empty(min(blocks.BLOCK_CELLS, x.numel()), dtype=dtype, device=x.device)
    for region in tiles(target.shape, blocks.BLOCK_CELLS // d_model):
        first, *others = [part_of(tensor, region) for tensor in operands]
        work = buffer[: first.numel()].view(first.shape)
        _subtract(work, first, *(other.to(x.device, dtype) for other in others))
        target[region] = _row_norms(work)
    return norms


def lengths(x: Tensor, d_model: int, dtype: torch.dtype) -> Tensor:
    """`Library.lengths`."""
    origin = torch.zeros((), dtype=dtype, device=x.device).expand(*x.shape[:-1], d_model)
    return distances(origin, x, dtype)


def quotient(dividend: Tensor, divisor: Tensor) -> Tensor:
    """`Library.quotient`."""
    return dividend.div_(divisor.to(dividend.device))


def extremes(x: Tensor, pool: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """`Library.extremes`."""
    shape = [1 if axis in pool else size for axis, size in enumerate(x.shape)]
    low = torch.full(shape, math.inf, dtype=dtype, device=x.device)
    high = torch.full_like(low, -math.inf)
    for region, block in _blocks(x, dtype):
        finite = block.isfinite()
        lowest, highest = (torch.where(finite, block, bound) for bound in (math.inf, -math.inf))
        if pool:  # for an empty tuple torch reduces all dimensions
            lowest, highest = lowest.amin(pool, keepdim=True), highest.amax(pool, keepdim=True)
        for limit, pick, found in ((low, torch.minimum, lowest), (high, torch.maximum, highest)):
            part = part_of(limit, region)
            pick(part, found, out=part)
    return low, high


def quantiles(x: Tensor, quantile: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """`Library.quantiles`."""
    low, high = ranks.search(partial(_digit_counts, x, dtype), quantile, dtype.itemsize)
    sides = torch.tensor([low, high], dtype=dtype, device=x.device).view(2, *[1] * x.ndim)
    return sides[0], sides[1]


def rescaled(x: Tensor, low: Tensor, high: Tensor, dtype: torch.dtype) -> Tensor:
    """`Library.rescaled`."""
    result = torch.empty(x.shape, dtype=dtype, device=x.device)
    half = torch.where((high - low).isfinite(), 1, 0.5).to(dtype)  # the span may overflow
    span = high * half - low * half
    span[span == 0] = 1
    for region, block in _blocks(x, dtype):
        bottom, top, unit, scale = (part_of(part, region) for part in (low, high, span, half))
        scaled = block.clamp(bottom, top).mul_(scale).sub_(bottom * scale).div_(unit)
        result[region] = torch.where(block.isfinite(), scaled, block)
    return result


def _blocks(x: Tensor, dtype: torch.dtype) -> Iterator[tuple[Region, Tensor]]:
    for region in tiles(x.shape, blocks.BLOCK_CELLS):
        yield region, x[region].to(dtype)


def _digit_counts(
    x: Tensor, dtype: torch.dtype, ends: ranks.Ends | None, shift: int
) -> ranks.Counts:
    """Counts of `ranks.digit_counts` over the finite values of a tensor."""
    counts = torch.zeros(ranks.counts_shape(ends), dtype=torch.int64, device=x.device)
    for _, block in _blocks(x, dtype):
        bits = block[block.isfinite()].view(torch.int32 if dtype == torch.float32 else torch.int64)
        counts += torch.stack(ranks.digit_counts(bits, ends, shift, torch.bincount))
    return to_numpy("counts", counts)


def _subtract(work: Tensor, first: Tensor, second: Tensor, *scales: Tensor) -> None:
    """Write ``first - second`` into `work`; divide each by its scale first, if any."""
    if first.dtype != work.dtype:
        first = work.copy_(first)
    if scales:
        own, other = (torch.where(scale.isfinite(), scale, torch.nan) for scale in scales)
        first, second = torch.div(first, own, out=work), second / other
    torch.sub(first, second, out=work)


def _row_norms(rows: Tensor) -> Tensor:
    """Norms over the last axis of a block, also where squares overflow or underflow.

    The block may be overwritten.
    """
    result = _plain_norms(rows)
    limits = torch.finfo(rows.dtype)
    # Below this limit the squares of single elements may have underflowed.
    min_safe = math.sqrt(rows.shape[-1] * limits.tiny / limits.eps)
    safe = (result >= min_safe) & result.isfinite()
    if safe.all():
        return result
    peaks = rows.abs_().amax(dim=-1, keepdim=True)
    peaks = torch.where((peaks > 0) & peaks.isfinite(), peaks, 1)  # else the norm is 0, inf or NaN
    scaled = _plain_norms(rows.div_(peaks)).mul_(peaks[..., 0])
    return torch.where(safe, result, scaled)


def _plain_norms(rows: Tensor) -> Tensor:
    """Norms over the last axis; on a CPU from the norms of short pieces.

    On a CPU torch adds all squares of a row to a few sums, which loses digits over many elements.
    Other devices add them in a tree.
    """
    d_model = rows.shape[-1]
    if d_model > _SUMMED_CELLS and rows.device.type == "cpu":
        whole = d_model - d_model % _SUMMED_CELLS
        pieces = rows[..., :whole].unflatten(-1, (-1, _SUMMED_CELLS)), rows[..., None, whole:]
        norms = [torch.linalg.vector_norm(piece, dim=-1) for piece in pieces if piece.numel()]
        return _plain_norms(torch.cat(norms, dim=-1))
    result: Tensor = torch.linalg.vector_norm(rows, dim=-1)
    return result


def _wide_distances(x: Tensor, y: Tensor, dtype: torch.dtype, *scales: Tensor) -> Tensor:
    """`distances` for vectors larger than a block: the norm of the norms of their pieces."""
    pieces = []
    for last in tiles(x.shape[-1:], blocks.BLOCK_CELLS):
        region = (slice(None),) * (x.ndim - 1) + last
        parts = [part_of(tensor, region) for tensor in (x, y, *scales)]
        pieces.append(distances(parts[0], parts[1], dtype, *parts[2:]))
    return lengths(torch.stack(pieces, dim=-1), len(pieces), dtype)
