"""LoRA (Hu et al. 2021): low-rank products beside linear modules."""

from hmi.model.adapters.lora.config import LoraConfig
from hmi.model.adapters.lora.library import insert_by_peft
from hmi.model.adapters.lora.peft_format import names_base, open_peft, save_peft
from hmi.model.adapters.lora.ranks import cut_to_rank
from hmi.model.adapters.method import AdapterMethod
from wire.training import METHODS

LORA = AdapterMethod(
    facts=METHODS[LoraConfig.method],
    config=LoraConfig,
    save=save_peft,
    open=open_peft,
    names_backbone=names_base,
    insert=insert_by_peft,
    cut=cut_to_rank,
)
