"""A World as a service's process is told of it, and its texts as a caller would send them."""

from typing import Any

from benchmarks.http_load import Served
from benchmarks.serving_world import World


def served(world: World, settings: dict[str, Any]) -> Served:
    """Every tenant of ``world`` with its task and its key, by number."""
    return Served(
        {name: str(value) for name, value in settings.items()},
        (world.ref.uri, world.ref.digest),
        [(tenant.hplm.adapter.uri, tenant.hplm.adapter.digest) for tenant in world.tenants],
        [(tenant.hplm.tree.uri, tenant.hplm.tree.digest) for tenant in world.tenants],
        [
            None if tenant.hplm.leaf is None else (tenant.hplm.leaf.uri, tenant.hplm.leaf.digest)
            for tenant in world.tenants
        ],
    )


def sent_texts(world: World) -> list[str]:
    """The words of ``world.texts``: plain texts, cut after the last token."""
    tokenizer = world.backbone.tokenizer
    return [
        text[: tokenizer.spans(text)[len(ids) - 2][1]]
        for text, ids in zip(world.plain_texts, world.texts, strict=True)
    ]


def same_texts(world: World) -> list[int]:
    """Numbers of the texts that are cut into the same tokens again, which is not so where a cut went through
    a word: answers to these can be compared with the oracle's."""
    tokenizer = world.backbone.tokenizer
    again = [
        tokenizer.encode([text], len(ids) + 8).documents.token_ids
        for text, ids in zip(sent_texts(world), world.texts, strict=True)
    ]
    return [
        number
        for number, (ids, other) in enumerate(zip(world.texts, again, strict=True))
        if ids.tolist() == other.tolist()
    ]
