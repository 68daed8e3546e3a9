"""Random arrays and views, most of them nasty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from heatwidget.arrays import LabelledArray
from heatwidget.arrays.axis import make_axis
from heatwidget.frames import COLOR_SCALES, POOLINGS, REDUCERS, View

PLAIN = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
DTYPES = (*PLAIN, ">f2", ">f4", ">f8", ">i2", ">i8", ">u4")
LAYOUTS = ("plain", "fortran", "reversed", "gaps", "read-only")
# No larger than 1e300: a sum of a few stays finite in any order.
WILD = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.3, 1e300, -1e300, 5e-324]
WILD += [-5e-324, 1e-40, 1e-46, 3.4e38, 3.5e38, -3.5e38, 65504.0, 6e-8]


def fill(rng: np.random.Generator, shape: tuple[int, ...], dtype: str, kind: str) -> np.ndarray:
    """Random values of a type."""
    letter = np.dtype(dtype).kind
    if letter in "iu" and kind != "whole":
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        return np.frombuffer(rng.bytes(n_bytes), dtype).reshape(shape).copy()
    if kind == "wild":
        values = rng.choice(WILD, shape)
    elif kind == "whole":
        values = rng.integers(0 if letter == "u" else -4, 5, shape).astype(float)
    elif kind == "positive":
        values = np.exp(3 * rng.standard_normal(shape))
    else:
        values = rng.standard_normal(shape)
    with np.errstate(all="ignore"):
        return values.astype(dtype)


def lay_out(values: np.ndarray, layout: str) -> np.ndarray:
    """The same values in another order of memory."""
    if layout == "fortran":
        return np.asfortranarray(values)
    if layout == "reversed":
        return values[::-1, :, ...].copy()[::-1]
    if layout == "gaps":
        wide = np.zeros([2 * n for n in values.shape], values.dtype)
        every_other = (slice(None, None, 2),) * values.ndim
        wide[every_other] = values
        return wide[every_other]
    if layout == "read-only":
        values = values.copy()
        values.flags.writeable = False
    return values


@st.composite
def arrays(draw: st.DrawFn, *, n_dims: st.SearchStrategy[int] | None = None) -> LabelledArray:
    """Array of 2 to 5 axes in any order, of any type and layout, maybe masked."""
    item = draw(st.sampled_from(["token", "prompt"]))
    names = draw(st.permutations(["iteration", "layer", item, "seed", "head"]))
    names = names[: draw(n_dims or st.sampled_from([2, 2, 3, 3, 4, 5]))]
    most = {2: 17, 3: 7, 4: 4, 5: 3}[len(names)]
    shape = tuple(draw(st.integers(1, most)) for _ in names)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["wild", "whole", "positive", "signed"]))
    values = lay_out(
        fill(rng, shape, draw(st.sampled_from(DTYPES)), kind), draw(st.sampled_from(LAYOUTS))
    )
    hidden = draw(st.sampled_from([0.0, 0.0, 0.3, 0.8, 1.0]))
    if hidden:
        values = np.ma.array(values, mask=rng.random(shape) < hidden)
    axes = tuple(
        make_axis(name, n, _coordinates(draw, rng, name, n))
        for name, n in zip(names, shape, strict=True)
    )
    return LabelledArray(values, axes)


def _coordinates(draw: st.DrawFn, rng: np.random.Generator, name: str, size: int) -> Any:
    if name in ("token", "prompt") or draw(st.booleans()):
        return None
    numbers = np.cumsum(rng.integers(1, 5, size)) + draw(st.integers(-5, 20))
    return numbers * draw(st.sampled_from([1, 1, 0.25, -1, -0.5]))


def ends() -> st.SearchStrategy[float | None]:
    """End of a range: sensible or nonsense."""
    nonsense = [None, None, math.nan, math.inf, -math.inf, 1e308, -1e308, 0.5, 10**30]
    near = st.one_of(st.integers(-8, 60), st.floats(-8, 60))
    return st.one_of(st.sampled_from(nonsense), near)


def asked_ranges() -> st.SearchStrategy[tuple[float | None, float | None]]:
    """Inclusive range as a user may ask for it."""
    return st.tuples(ends(), ends())


def color_ranges() -> st.SearchStrategy[tuple[float | None, float | None]]:
    """Colour range as a user may ask for it."""
    end = st.one_of(
        st.none(),
        st.sampled_from([0.0, 0.3, 1.0, -1.0, 1e308, -1e308, 5e-324, math.nan, math.inf]),
        st.floats(-10, 10),
    )
    return st.tuples(end, end)


@st.composite
def views(draw: st.DrawFn, array: LabelledArray) -> View:
    """Any view of an array."""
    rows, columns = draw(st.permutations(array.dims))[:2]
    return View(
        rows=rows,
        columns=columns,
        reducer=draw(st.sampled_from(REDUCERS)),
        color_scale=draw(st.sampled_from(COLOR_SCALES)),
        max_rows=draw(st.integers(2, 20)),
        max_columns=draw(st.integers(2, 20)),
        ranges=draw(st.dictionaries(st.sampled_from(array.dims), asked_ranges())),
        reducers=draw(st.dictionaries(st.sampled_from(array.dims), st.sampled_from(REDUCERS))),
        pooling=draw(st.sampled_from([None, *POOLINGS])),
        color_range=draw(color_ranges()),
        natural_range=draw(st.sampled_from([None, None, (0.0, 1.0)])),
    )


@st.composite
def pictures(draw: st.DrawFn) -> tuple[LabelledArray, View]:
    """Array and a view of it."""
    array = draw(arrays())
    return array, draw(views(array))
