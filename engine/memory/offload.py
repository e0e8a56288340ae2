"""Offloads layers that are read seldom and a tile at a time: they do not count against the budget.

For an accelerator they are in the host's memory; for a CPU in an unnamed temporary file, whose
pages the system may keep cached or write to disk.
"""

import errno
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import EllipsisType
from typing import IO

import torch
from torch import Tensor

from engine.memory.budget import format_bytes

__all__ = ["OffloadedTensor", "offload_folder"]

Region = tuple[EllipsisType, slice, slice]
"""`..., rows, columns`, each of the two with a start and a stop."""


class OffloadedTensor:
    """A layer that is written and read in parts: `layer[..., rows, columns]`, as of a tensor.

    Args:
        shape: 1, C, H, W.
        device: of the parts that are written and read.

    Raises:
        OSError: no space for it; names the folder.
    """

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self.shape = torch.Size(shape)
        self.dtype = dtype
        self.device = device
        self._host: Tensor | None = None
        if device.type == "cpu":
            file = _reserved(self.shape.numel() * dtype.itemsize)
            self._rows = _Rows(file)
            weakref.finalize(self, file.close)
        elif device.type != "meta":
            self._host = torch.empty(
                shape,
                dtype=dtype,
                memory_format=torch.channels_last,
                pin_memory=device.type == "cuda",
            )

    def __setitem__(self, region: Region, part: Tensor) -> None:
        if self._host is not None:
            self._host[region] = part.to("cpu")
        elif self.device.type == "cpu":
            self._rows.write(_bytes(part.permute(0, 2, 3, 1).contiguous()), self._offsets(region))

    def __getitem__(self, region: Region | EllipsisType) -> Tensor:
        """A copy on the device, in channels_last."""
        if isinstance(region, EllipsisType):
            region = (..., slice(0, self.shape[2]), slice(0, self.shape[3]))
        if self._host is not None:
            return self._host[region].to(self.device, non_blocking=True)
        rows, columns = (each.stop - each.start for each in region[1:])
        part = torch.empty((1, rows, columns, self.shape[1]), dtype=self.dtype, device=self.device)
        if self.device.type == "cpu":
            self._rows.read_into(_bytes(part), self._offsets(region))
        return part.permute(0, 3, 1, 2)

    def _offsets(self, region: Region) -> range:
        """Byte offsets of a region's rows: positions are stored one after the other, row by row."""
        _, rows, columns = region
        position = self.shape[1] * self.dtype.itemsize
        whole = self.shape[3] * position
        start = columns.start * position
        return range(rows.start * whole + start, rows.stop * whole + start, whole)


class _Rows:
    """A file of equally long rows. (Windows has no `pread` and `pwrite`.)"""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._position = threading.Lock()

    def write(self, data: memoryview, offsets: range) -> None:
        for row, offset in zip(_divided(data, len(offsets)), offsets, strict=True):
            with self._position:
                self._file.seek(offset)
                while row:
                    row = row[self._file.write(row) :]

    def read_into(self, data: memoryview, offsets: range) -> None:
        for row, offset in zip(_divided(data, len(offsets)), offsets, strict=True):
            with self._position:
                self._file.seek(offset)
                while row:
                    count = self._file.readinto(row)  # type: ignore[attr-defined]
                    if not count:
                        raise OSError(
                            errno.EIO, "a temporary file ends early", str(offload_folder())
                        )
                    row = row[count:]


def _divided(data: memoryview, count: int) -> Iterator[memoryview]:
    length = data.nbytes // count
    return (data[number * length : (number + 1) * length] for number in range(count))


def offload_folder() -> Path:
    """Folder of the temporary files: `TMPDIR` if set; else /var/tmp, as /tmp is often in memory."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK | os.X_OK):
        return Path("/var/tmp")
    return Path(tempfile.gettempdir())


def _reserved(size: int) -> IO[bytes]:
    """An unnamed file with so many bytes reserved on the disk."""
    folder = offload_folder()
    file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 (closed with its OffloadedTensor)
    try:
        # Checked first: reserving fills a disk before it fails for lack of space.
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
    except OSError as error:
        file.close()
        if error.errno != errno.ENOSPC:
            raise
        wanted = f"no room for a temporary file of {format_bytes(size)} (TMPDIR names a folder)"
        raise OSError(errno.ENOSPC, wanted, str(folder)) from None
    return file


def _bytes(tensor: Tensor) -> memoryview:
    """The bytes of a contiguous tensor on the CPU, sharing its memory."""
    return memoryview(tensor.view(torch.uint8).flatten().numpy())  # type: ignore[arg-type]
