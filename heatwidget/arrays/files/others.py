"""Formats that this package does not read, with advice for each."""

from __future__ import annotations

from pathlib import Path

_UNPACK = "unpack it first"
_TABLE = (
    "numpy.loadtxt(path, delimiter={}) or pandas.read_csv(path, index_col=0, sep={}) reads it,"
    " and a heatmap takes what they return"
)
_PICKLE = (
    "a pickle, which can run code when it is read: if you trust it, pickle.load reads it, and"
    " heatwidget.save writes an array of it"
)
_MATLAB = "a file of MATLAB: {} reads it, and a heatmap takes an array of it"
# First bytes of a file -> its format and advice.
_STARTS = {
    b"\x1f\x8b": f"compressed with gzip: {_UNPACK}",
    b"BZh": f"compressed with bzip2: {_UNPACK}",
    b"\xfd7zXZ\x00": f"compressed with xz: {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"compressed with zstd: {_UNPACK}",
    b"PK": f"a zip archive without arrays of numpy, torch or zarr: {_UNPACK}",
    b"PAR1": "a file of parquet: pandas.read_parquet(path) reads it, and a heatmap takes its table",
    b"ARROW1": "a file of arrow: pandas.read_feather(path) reads it, and a heatmap takes its table",
    b"FEA1": "a file of feather: pandas.read_feather(path) reads it, and a heatmap takes its table",
    b"MATLAB 7.3": _MATLAB.format("h5py.File(path), with the axes in reverse order,"),
    b"MATLAB": _MATLAB.format("scipy.io.loadmat(path)"),
    b"GGUF": "a file of model weights: gguf.GGUFReader(path) reads it, tensor by tensor",
    **{bytes((0x80, version)): _PICKLE for version in (2, 3, 4, 5)},
}
_SUFFIXES = {
    ".csv": "a table as text: " + _TABLE.format('","', '","'),
    ".tsv": "a table as text: " + _TABLE.format(r'"\t"', r'"\t"'),
    ".json": "JSON: numpy.array(json.load(file)) reads it where it is a list of rows",
    ".jsonl": "JSON lines: pandas.read_json(path, lines=True) reads it",
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".mat": _MATLAB.format("scipy.io.loadmat(path)"),
    ".xlsx": "a spreadsheet: pandas.read_excel(path, index_col=0) reads it",
}
_TAR, _TAR_PLACE = b"ustar", 257


def way_out(path: Path, head: bytes) -> str:
    """Format of a file that is not read, with advice; "" if the format is unknown."""
    if path.suffix.lower() == ".xlsx":
        return _SUFFIXES[".xlsx"]
    if head[_TAR_PLACE : _TAR_PLACE + len(_TAR)] == _TAR:
        return f"a tar archive: {_UNPACK}"
    known = next((what for start, what in _STARTS.items() if head.startswith(start)), None)
    return known or _SUFFIXES.get(path.suffix.lower(), "")
