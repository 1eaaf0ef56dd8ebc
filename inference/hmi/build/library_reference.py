"""What `transformers`, and the library of an adapter's method, answer with its files: the measure of ours."""

from pathlib import Path

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from hmi.build.brought_adapter import refusing
from hmi.build.evaluation import LowerStates
from hmi.model.adapters.method import AdapterMethod
from hmi.model.backbone import LOWER_FILE, Backbone, upper_file
from hmi.model.heads import HostHead, read_by_head
from hmi.plot.ngram import Documents


class LibraryPath:
    """Final states, by the libraries' own forward over all layers. One thread."""

    def __init__(
        self, folder: Path, backbone: Backbone, method: AdapterMethod, adapter: Path, *, is_original: bool
    ) -> None:
        """``folder`` is the backbone's bundle, ``adapter`` the folder as it was brought. ``is_original``:
        over the upper layers as the checkpoint had them. Raises AdapterRefused where the library cannot load
        it."""
        self._bert = _bert(folder, backbone, is_original=is_original)
        with refusing():
            method.insert(self._bert, adapter)
        self._backbone = backbone

    @torch.inference_mode()
    def __call__(self, documents: Documents) -> LowerStates:
        """States of the last layer stand where others have the lower layers'."""
        lengths = np.diff(documents.offsets)
        places = np.arange(int(lengths.max()))[None, :] < lengths[:, None]
        types = self._backbone.token_types(documents)
        answer = self._bert(
            input_ids=_padded(documents.token_ids, places),
            token_type_ids=_padded(np.zeros_like(documents.token_ids) if types is None else types, places),
            attention_mask=torch.from_numpy(places.astype(np.int64)),
        )
        states: Tensor = answer.last_hidden_state[torch.from_numpy(places)]
        exact = np.tile(np.array([0.0, 0.0, 0.0, 1.0]), (documents.num_documents, 1))
        return LowerStates(states, exact)


class HeadAlone:
    """A head over final states, by plain matrix multiplication."""

    def __init__(self, head: HostHead, *, reads_tokens: bool) -> None:
        self._head = head
        self._reads_tokens = reads_tokens

    @torch.inference_mode()
    def outputs(self, states: Tensor, offsets: NDArray[np.int64]) -> NDArray[np.float32]:
        """As TaskModel.outputs, of final ``states``."""
        read = read_by_head(states, offsets, reads_tokens=self._reads_tokens)
        found: NDArray[np.float32] = (read @ self._head.weight.T + self._head.bias).numpy()
        return found


def _bert(folder: Path, backbone: Backbone, *, is_original: bool) -> nn.Module:
    fields = backbone.fields
    tensors = {
        **load_file(folder / LOWER_FILE),
        **load_file(folder / upper_file(fields, is_original=is_original)),
    }
    bert: nn.Module = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=fields.vocab_size,
            hidden_size=fields.hidden,
            num_hidden_layers=fields.num_layers,
            num_attention_heads=fields.num_heads,
            intermediate_size=fields.intermediate,
            max_position_embeddings=fields.max_positions,
            type_vocab_size=tensors["embeddings.token_type_embeddings.weight"].shape[0],
            layer_norm_eps=fields.layer_norm_epsilon,
            hidden_act="gelu",
        ),
        add_pooling_layer=False,
    )
    bert.load_state_dict(tensors)
    return bert.eval()


def _padded(values: NDArray[np.integer], places: NDArray[np.bool_]) -> Tensor:
    padded = np.zeros(places.shape, np.int64)
    padded[places] = values
    return torch.from_numpy(padded)
