"""A task's bundle: what the trainer writes, the service reads, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmi.artifacts.bundle import write_bundle
from hmi.base.errors import BundleBroken, BundleMismatch, HmiError
from hmi.model.adapter_bank import IDENTITY
from hmi.model.adapter_bundle import Hplm, open_adapter_bundle, save_adapter_bundle
from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.backbone import Backbone
from hmi.model.hplm_bank import HplmBank
from tests.tiny.adapters import random_adapter, random_head
from wire.artifacts import HEAD_FILE, AdapterFields, BundleKind
from wire.ids import Digest

TREE = Digest("sha256:" + "1" * 64)
OTHER = Digest("sha256:" + "2" * 64)
LABELS = ("bad", "good", "so so")


def save(folder: Path, backbone: Backbone, *, seed: int = 1, rank: int = 8, identity: bool = False) -> Digest:
    folder.mkdir(exist_ok=True)
    return save_adapter_bundle(
        folder,
        adapter=None if identity else random_adapter(backbone.fields, seed=seed, config=LoraConfig(rank)),
        head=random_head(backbone.fields, num_labels=len(LABELS), seed=seed),
        labels=LABELS,
        max_tokens=32,
        backbone_fields=backbone.fields,
        backbone=backbone.digest,
        tree=TREE,
        metrics={"accuracy": 0.9},
    )


def open_(folder: Path, backbone: Backbone, digest: Digest | None = None) -> Hplm:
    return open_adapter_bundle(
        folder, digest=digest, backbone_fields=backbone.fields, backbone=backbone.digest
    )


def test_it_opens_what_was_saved(tmp_path: Path, backbone: Backbone) -> None:
    digest = save(tmp_path, backbone)
    hplm = open_(tmp_path, backbone, digest)
    assert hplm.digest == digest
    assert hplm.fields.labels == LABELS
    assert hplm.fields.target_modules == tuple(module.value for module in LoraConfig().modules)
    assert torch.equal(hplm.head.weight, random_head(backbone.fields, num_labels=3, seed=1).weight)
    assert hplm.adapter is not None
    assert hplm.adapter.config == LoraConfig(8)
    assert hplm.num_bytes == hplm.adapter.num_bytes + hplm.head.num_bytes


def test_the_same_content_has_the_same_digest(tmp_path: Path, backbone: Backbone) -> None:
    assert save(tmp_path / "a", backbone) == save(tmp_path / "b", backbone)
    assert save(tmp_path / "c", backbone, seed=2) != save(tmp_path / "d", backbone)


def test_a_task_may_have_only_a_head(tmp_path: Path, backbone: Backbone) -> None:
    save(tmp_path, backbone, identity=True)
    assert open_(tmp_path, backbone).adapter is None


@pytest.mark.parametrize(("rank", "identity"), [(8, False), (12, False), (4, False), (0, True)])
def test_what_it_takes_in_host_memory_is_known_before_it_is_read(
    tmp_path: Path, backbone: Backbone, rank: int, identity: bool
) -> None:
    save(tmp_path, backbone, rank=rank, identity=identity)
    hplm = open_(tmp_path, backbone)
    for dtype in (torch.float32, torch.bfloat16):
        bank = HplmBank(
            backbone.fields, num_adapter_units=2, num_head_units=2, max_rank=16, max_labels=8, dtype=dtype
        )
        packed = bank.pack(hplm)
        tensors = [packed.head.units]
        tensors += [] if packed.adapter is None else [packed.adapter.units]
        assert bank.packed_bytes(hplm.fields) == packed.num_bytes == sum(part.nbytes for part in tensors)


def test_it_refuses_another_digest_or_backbone(tmp_path: Path, backbone: Backbone) -> None:
    save(tmp_path, backbone)
    with pytest.raises(BundleMismatch):
        open_(tmp_path, backbone, OTHER)
    with pytest.raises(BundleMismatch, match="was trained on backbone"):
        open_adapter_bundle(tmp_path, digest=None, backbone_fields=backbone.fields, backbone=OTHER)


def test_it_refuses_a_head_that_does_not_fit_its_labels(tmp_path: Path, backbone: Backbone) -> None:
    with pytest.raises(BundleMismatch, match="3 labels on tiny"):
        save_adapter_bundle(
            tmp_path,
            adapter=None,
            head=random_head(backbone.fields, num_labels=2, seed=0),
            labels=LABELS,
            max_tokens=32,
            backbone_fields=backbone.fields,
            backbone=backbone.digest,
            tree=TREE,
            metrics={},
        )
    assert list(tmp_path.iterdir()) == []


def test_it_refuses_an_unknown_method_and_a_manifest_that_contradicts_its_files(
    tmp_path: Path, backbone: Backbone
) -> None:
    save(tmp_path, backbone)
    fields = open_(tmp_path, backbone).fields
    changes = {
        "method": ("prefix", BundleMismatch),
        "rank": (4, BundleBroken),
        "labels": (("a", "b"), BundleMismatch),
    }
    for name, (value, error) in changes.items():
        plain = {slot: getattr(fields, slot) for slot in AdapterFields.__slots__} | {name: value}
        write_bundle(tmp_path, BundleKind.ADAPTER, AdapterFields(**plain))
        with pytest.raises(error):
            open_(tmp_path, backbone)


def test_it_refuses_a_head_file_that_is_cut_short(tmp_path: Path, backbone: Backbone) -> None:
    save(tmp_path, backbone)
    head = tmp_path / HEAD_FILE
    head.write_bytes(head.read_bytes()[:-4])
    with pytest.raises(BundleBroken, match=HEAD_FILE):
        open_(tmp_path, backbone)


def test_a_bank_holds_adapter_and_head_of_a_task_together(tmp_path: Path, backbone: Backbone) -> None:
    bank = HplmBank(backbone.fields, num_adapter_units=2, num_head_units=2, max_rank=8, max_labels=8)
    save(tmp_path / "one", backbone)
    save(tmp_path / "big", backbone, rank=16)
    hplm = open_(tmp_path / "one", backbone)
    assert bank.num_bytes == 3 * bank.bytes_of(bank.pack(hplm))  # two and what fills up rows
    bank.write(1, bank.pack(hplm))
    pooled = torch.randn(1, backbone.fields.hidden, generator=torch.Generator().manual_seed(1))
    logits = bank.heads.logits(pooled, np.array([1]))[0, :3]
    torch.testing.assert_close(logits, hplm.head.weight @ pooled[0] + hplm.head.bias)
    assert bank.adapters.call(np.array([1, IDENTITY]), np.array([0, 1, 2])) is not None
    with pytest.raises(BundleMismatch, match="rank 16"):
        bank.write(1, bank.pack(open_(tmp_path / "big", backbone)))
    with pytest.raises(HmiError, match="are empty"):
        bank.heads.logits(pooled, np.array([1]))
