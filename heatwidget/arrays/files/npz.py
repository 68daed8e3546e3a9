"""Arrays in a zip archive as numpy writes it: ``.npz``.

Uncompressed ones are mapped into memory where they lie, so their checksum is not looked at;
compressed ones are read whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from struct import unpack
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from .contents import LABELS, VALUES, Contents, Entry
from .draft import Draft
from .labels import Labels
from .npy import read_header

_ALIGNMENT = 64  # bytes, as numpy's own files have it: values that lie crosswise are slow
_PADDING = 0xD935  # number under which archives have bytes that only align


def read(path: Path) -> Contents:
    """Return the arrays of an archive and what it says of ``values``."""
    with ZipFile(path) as archive:
        members = {m.filename.removesuffix(".npy"): m for m in archive.infolist()}
        entries = {name: _entry(path, archive, member) for name, member in members.items()}
        if LABELS in members:
            text = np.lib.format.read_array(archive.open(members[LABELS]))
            return Contents(_without(entries, LABELS), Labels.from_text(text.item().decode()))
    if VALUES in entries and "dims" in entries:
        return Contents({VALUES: entries[VALUES]}, _labels_by_hand(entries))
    return Contents(entries)


def _without(entries: Mapping[str, Entry], name: str) -> dict[str, Entry]:
    return {key: entry for key, entry in entries.items() if key != name}


def _entry(path: Path, archive: ZipFile, member: ZipInfo) -> Entry:
    """Array of one member; only its header is read now."""
    with archive.open(member) as file:
        header, length = read_header(file), file.tell()
    if member.compress_type == ZIP_STORED:
        offset = _first_byte(path, member) + length
        return Entry(header.shape, header.dtype, lambda: header.map(path, offset))
    return Entry(header.shape, header.dtype, lambda: _read_member(path, member))


def _first_byte(path: Path, member: ZipInfo) -> int:
    """Where a member starts: its local header may be longer than the archive's list says."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        n_name, n_extra = unpack("<HH", file.read(4))
    return member.header_offset + 30 + int(n_name) + int(n_extra)


def _read_member(path: Path, member: ZipInfo) -> NDArray[Any]:
    with ZipFile(path) as archive, archive.open(member) as file:
        values: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return values


def _labels_by_hand(entries: Mapping[str, Entry]) -> Labels:
    """Labels of the layout that is easy to write with `numpy.savez`, see `open`."""
    rest = {name: entry.load() for name, entry in entries.items() if name != VALUES}
    dims = tuple(str(name) for name in np.atleast_1d(rest["dims"]))
    attrs = json.loads(str(rest.get("attrs", "{}")))
    known = {k.removeprefix("coord."): v for k, v in rest.items() if k.startswith("coord.")}
    coords = {dim: known.pop(dim) for dim in dims if dim in known}
    return Labels(dims, coords, str(attrs.get("quantity", "")), {**attrs, **known})


def write(path: Path, draft: Draft) -> None:
    """Write values and labels, block by block."""
    with ZipFile(path, "x", allowZip64=True) as archive:
        with archive.open(f"{LABELS}.npy", "w") as file:
            np.lib.format.write_array(file, np.array(draft.text.encode("ascii")))
        member = ZipInfo(f"{VALUES}.npy")
        member.extra = _padding(path, archive, member)
        with archive.open(member, "w", force_zip64=True) as file:
            descr = np.lib.format.dtype_to_descr(draft.dtype)
            header = {"descr": descr, "fortran_order": False, "shape": draft.shape}
            np.lib.format.write_array_header_1_0(file, header)
            for _, values in draft.blocks():
                file.write(values.data.cast("B"))


def _padding(path: Path, archive: ZipFile, member: ZipInfo) -> bytes:
    """Bytes after which the values of the next member start at a multiple of the alignment."""
    zip64, least = 20, 4
    start = archive.start_dir + 30 + len(member.filename) + zip64 + least
    n_bytes = -start % _ALIGNMENT
    return _PADDING.to_bytes(2, "little") + n_bytes.to_bytes(2, "little") + bytes(n_bytes)
