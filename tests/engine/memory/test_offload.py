"""Offloaded layers: written and read back in any parts, and the error of a full disk."""

import errno
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.memory.offload import OffloadedTensor, offload_folder
from engine.memory.peak_memory import PeakMemoryCounter

SHAPE = (1, 5, 13, 11)


def layer(dtype: torch.dtype) -> Tensor:
    whole = torch.rand(SHAPE, generator=torch.Generator().manual_seed(1)).to(dtype)
    return whole.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_parts_that_are_offloaded_come_back_as_other_parts(dtype: torch.dtype) -> None:
    whole = layer(dtype)
    offloaded = OffloadedTensor(SHAPE, dtype, whole.device)
    for rows in (slice(0, 6), slice(6, 13)):
        for columns in (slice(0, 4), slice(4, 11)):
            offloaded[..., rows, columns] = whole[..., rows, columns]
    part = offloaded[..., slice(3, 9), slice(2, 8)]
    assert torch.equal(part, whole[..., 3:9, 2:8])
    assert part.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(offloaded[...], whole)


def test_a_part_that_comes_back_is_a_copy() -> None:
    offloaded = OffloadedTensor(SHAPE, torch.float32, torch.device("cpu"))
    whole = layer(torch.float32)
    offloaded[..., slice(0, 13), slice(0, 11)] = whole
    offloaded[...].zero_()
    assert torch.equal(offloaded[...], whole)


def test_without_data_only_parts_count() -> None:
    with PeakMemoryCounter() as counter:
        offloaded = OffloadedTensor((1, 64, 1000, 1000), torch.float32, torch.device("meta"))
        part = offloaded[..., slice(0, 10), slice(5, 25)]
    assert part.shape == (1, 64, 10, 20)
    assert counter.peak == part.nbytes


def test_files_have_no_name_and_lie_where_tmpdir_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert offload_folder() == tmp_path
    offloaded = OffloadedTensor((1, 64, 256, 256), torch.float32, torch.device("cpu"))
    assert list(tmp_path.iterdir()) == []
    # Reserved as a whole, not found missing half-way.
    assert os.fstat(offloaded._rows._file.fileno()).st_blocks * 512 >= 64 * 256 * 256 * 4


def test_a_full_disk_is_said_with_the_folder_before_anything_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(OSError, match="TMPDIR names a folder") as full:
        OffloadedTensor((1, 512, 1 << 15, 1 << 16), torch.float32, torch.device("cpu"))
    assert full.value.errno == errno.ENOSPC
    assert full.value.filename == str(tmp_path)
