"""Bottleneck adapters (Houlsby et al. 2019): a narrow layer after linear modules."""

from hmi.model.adapters.bottleneck.config import BottleneckConfig
from hmi.model.adapters.bottleneck.file_format import open_bottleneck, save_bottleneck
from hmi.model.adapters.bottleneck.library import follow_modules
from hmi.model.adapters.method import AdapterMethod
from wire.training import METHODS

BOTTLENECK = AdapterMethod(
    facts=METHODS[BottleneckConfig.method],
    config=lambda rank, alpha: BottleneckConfig(rank),
    save=save_bottleneck,
    open=open_bottleneck,
    names_backbone=lambda folder: False,
    insert=follow_modules,
    cut="A bottleneck is not cut to a smaller rank: it has one width.",
)
