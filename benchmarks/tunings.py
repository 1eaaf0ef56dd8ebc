"""What a training is compared with: PEFT's LoRA and full fine-tuning of the backbone, and linear models."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import peft
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

from hmi.build.batching import BatchPlan, in_batches
from hmi.build.metrics import Indices

INFERENCE_ROWS = 64
WARM_UP_SHARE = 0.06
STRENGTHS = (0.1, 1.0, 10.0)
"""Of linear models: the one that validates best is taken."""


class Tuning(StrEnum):
    """What of the whole backbone is trained, with the head."""

    PEFT = "peft"  # LoRA of rank 8 on queries and values of all layers, PEFT's usual target for BERT
    FULL = "full"  # everything


LEARNING_RATES = {Tuning.PEFT: 1e-3, Tuning.FULL: 5e-5}


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Rows with the places of their labels."""

    texts: Sequence[str]
    labels: Indices


@dataclass(frozen=True, slots=True)
class TunedOn:
    """What a tuning works with."""

    source: Path  # a BERT checkpoint
    train: LabelledTexts
    validation: LabelledTexts
    num_labels: int
    max_tokens: int
    epochs: int
    batch_rows: int
    seed: int


@cache
def fastest_dtype() -> torch.dtype:
    """Of matrix products on this machine: some processors do bfloat16 many times faster, some not at all."""
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = torch.randn(2048, 384).to(dtype), torch.randn(384, 1536).to(dtype)
        left @ right
        began = time.perf_counter()
        for _ in range(5):
            left @ right
        seconds[dtype] = time.perf_counter() - began
    return min(seconds, key=lambda dtype: seconds[dtype])


class TunedModel(nn.Module):
    """The whole backbone, mean pooled, with a linear head."""

    def __init__(self, inputs: TunedOn, tuning: Tuning) -> None:
        super().__init__()
        torch.manual_seed(inputs.seed)
        self._inputs = inputs
        encoder: Any = BertModel.from_pretrained(inputs.source, add_pooling_layer=False)
        if tuning is Tuning.PEFT:
            config = peft.LoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["query", "value"])
            encoder = peft.get_peft_model(encoder, config)
        self.encoder = encoder
        self.head = nn.Linear(encoder.config.hidden_size, inputs.num_labels)
        self._tokenizer: Any = AutoTokenizer.from_pretrained(inputs.source)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Logits, [texts, labels] float32."""
        return self.head(self.pooled(texts))  # type: ignore[no-any-return]

    def pooled(self, texts: Sequence[str]) -> Tensor:
        """Mean of the final states, [texts, hidden] float32."""
        encoded = self._tokenizer(
            list(texts),
            truncation=True,
            max_length=self._inputs.max_tokens,
            padding=True,
            return_tensors="pt",
        )
        with torch.autocast("cpu", torch.bfloat16, enabled=fastest_dtype() is torch.bfloat16):
            states: Tensor = self.encoder(**encoded).last_hidden_state
        mask = encoded["attention_mask"].unsqueeze(-1)
        pooled: Tensor = (states.float() * mask).sum(dim=1) / mask.sum(dim=1)
        return pooled

    def lengths(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens of each text, cut."""
        ids = self._tokenizer(list(texts), truncation=True, max_length=self._inputs.max_tokens)["input_ids"]
        return np.array([len(one) for one in ids], np.int64)

    def predict(self, texts: Sequence[str]) -> Indices:
        """Places of the likeliest labels."""
        found: Indices = self._over(texts, lambda some: self(some)).argmax(axis=1).astype(np.int64)
        return found

    def embeddings(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Of whole texts, [texts, hidden]."""
        return self._over(texts, self.pooled)

    @torch.inference_mode()
    def _over(
        self, texts: Sequence[str], compute: Callable[[Sequence[str]], Tensor]
    ) -> npt.NDArray[np.float32]:
        self.eval()
        lengths = self.lengths(texts)
        parts = in_batches(np.arange(len(texts)), lengths, INFERENCE_ROWS)
        found = [compute([texts[place] for place in part]).float().numpy() for part in parts]
        whole = np.empty((len(texts), found[0].shape[1]), np.float32)
        for part, rows in zip(parts, found, strict=True):
            whole[part] = rows
        return whole


def tune(
    inputs: TunedOn, tuning: Tuning, *, on_validation: Callable[[float], None] = lambda accuracy: None
) -> TunedModel:
    """Train with linear warm-up and decay, validate each half epoch, keep the best weights."""
    model = TunedModel(inputs, tuning)
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimiser = torch.optim.AdamW(trained.values(), lr=LEARNING_RATES[tuning], weight_decay=0.01)
    plan = BatchPlan(model.lengths(inputs.train.texts), inputs.batch_rows, inputs.seed)
    num_steps = inputs.epochs * plan.steps_per_epoch
    every = max(1, -(-plan.steps_per_epoch // 2))
    warm_up = max(1, round(WARM_UP_SHARE * num_steps))
    best_accuracy, best = -1.0, {}
    step = 0
    for epoch in range(inputs.epochs):
        for rows in plan.epoch(epoch):
            model.train()
            factor = min((step + 1) / warm_up, (num_steps - step) / max(1, num_steps - warm_up))
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATES[tuning] * factor
            optimiser.zero_grad()
            logits = model([inputs.train.texts[row] for row in rows])
            nn.functional.cross_entropy(logits, torch.from_numpy(inputs.train.labels[rows])).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(trained.values(), 1.0)
            optimiser.step()
            step += 1
            if step % every == 0 or step == num_steps:
                right = model.predict(inputs.validation.texts) == inputs.validation.labels
                accuracy = float(right.mean())
                on_validation(accuracy)
                if accuracy > best_accuracy:
                    best_accuracy = accuracy
                    best = {name: value.detach().clone() for name, value in trained.items()}
    with torch.no_grad():
        for name, value in best.items():
            trained[name].copy_(value)
    return model


def linear_on_embeddings(inputs: TunedOn, texts: Sequence[str]) -> Indices:
    """Logistic regression on the frozen backbone's sentence embeddings; its answers for ``texts``."""
    model = TunedModel(inputs, Tuning.FULL)
    train, validation, asked = (
        model.embeddings(some) for some in (inputs.train.texts, inputs.validation.texts, texts)
    )
    fitted = [
        LogisticRegression(C=strength, max_iter=2000).fit(train, inputs.train.labels)
        for strength in STRENGTHS
    ]
    best = max(fitted, key=lambda one: float(one.score(validation, inputs.validation.labels)))
    return np.asarray(best.predict(asked), np.int64)


def linear_on_words(inputs: TunedOn, texts: Sequence[str]) -> Indices:
    """A linear support vector machine on TF-IDF of words and word pairs; its answers for ``texts``."""
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2)
    train = words.fit_transform(inputs.train.texts)
    validation, asked = words.transform(inputs.validation.texts), words.transform(texts)
    fitted = [LinearSVC(C=strength).fit(train, inputs.train.labels) for strength in STRENGTHS]
    best = max(fitted, key=lambda one: float(one.score(validation, inputs.validation.labels)))
    return np.asarray(best.predict(asked), np.int64)
