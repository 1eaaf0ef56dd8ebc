"""ONNX Runtime with one model and no adapters: what someone with a single tenant would pick."""

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

INPUTS = ("ids", "mask")
STATES = "states"
_FLOAT = 1  # onnx.TensorProto.FLOAT: what tensors of the fused operators hold


class OnnxModel:
    """The backbone with attention, norms and gelu fused by ONNX Runtime's own tools for BERT, in one type of
    numbers, and one head."""

    def __init__(self, path: Path, head: Tensor, num_threads: int) -> None:
        """``head`` is [labels, hidden]."""
        import onnxruntime  # an extra package, requirements/peers.lock

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self._head = head

    def answer(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Probabilities, [texts, labels], from int64 [texts, longest] each."""
        feed = dict(zip(INPUTS, (ids.numpy(), mask.numpy()), strict=True))
        states = torch.from_numpy(self._session.run([STATES], feed)[0])
        weights = mask[..., None].to(torch.float32)
        pooled = (states * weights).sum(1) / weights.sum(1)
        return nn.functional.linear(pooled, self._head).softmax(-1)


def export_models(checkpoint: Path, folder: Path) -> dict[str, Path]:
    """The checkpoint as ``float32`` and as ``int8`` (weights quantised ahead, activations as they come), each
    optimised; by type."""
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    logging.getLogger("onnxruntime").setLevel(logging.ERROR)
    config = BertConfig.from_pretrained(checkpoint)
    model: nn.Module = BertModel.from_pretrained(
        checkpoint, add_pooling_layer=False, attn_implementation="eager"
    )
    plain, float32, int8 = (folder / f"{name}.onnx" for name in ("plain", "float32", "int8"))
    ids = torch.ones(2, 8, dtype=torch.int64)
    axes = {name: {0: "texts", 1: "tokens"} for name in (*INPUTS, STATES)}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _States(model.eval()),
            (ids, ids),
            str(plain),
            input_names=list(INPUTS),
            output_names=[STATES],
            dynamic_axes=axes,
            dynamo=False,
            opset_version=17,
        )
    optimised = optimizer.optimize_model(
        str(plain),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
        opt_level=1,
    )
    optimised.save_model_to_file(str(float32))
    quantize_dynamic(
        str(float32), str(int8), weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": _FLOAT}
    )
    return {"float32": float32, "int8": int8}


class _States(nn.Module):
    """A forward of tensors alone, as the exporter wants it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = model

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states
