"""What one answered request is counted as."""

import uuid
from datetime import datetime

import numpy as np

from hmi.kinds.counts import answer_counts
from hmi.service.access import Grant
from hmi.service.answering import Answered
from wire.ids import EventId
from wire.usage import UsageEvent


def usage_of(grant: Grant, answered: Answered, now: datetime, latency_ms: float) -> UsageEvent:
    """Counts alone: how much, how quickly, how well PLOT covered it, and how sure the version was.

    No text, no label.
    """
    num_tokens = np.asarray(answered.encoded.num_tokens, np.int64)
    documents = answered.answer.documents
    coverage = np.array([(d.coverage.trigram, d.coverage.bigram, d.coverage.exact) for d in documents])
    rungs = np.rint(num_tokens @ coverage).astype(np.int64)
    counts = answer_counts(answered.told, answered.fields.labels, answered.fields.value_bounds)
    return UsageEvent(
        id=EventId(str(uuid.uuid4())),
        tenant_id=grant.task.tenant_id,
        task_id=grant.task.task_id,
        key_id=grant.key.key_id,
        version_id=answered.version.version_id,
        created_at=now,
        num_texts=len(documents),
        num_tokens=int(num_tokens.sum()),
        num_truncated=int(np.count_nonzero(answered.encoded.truncated)),
        num_trigram_tokens=int(rungs[0]),
        num_bigram_tokens=int(rungs[1]),
        num_exact_tokens=int(rungs[2]),
        score_counts=counts.scores,
        label_counts=counts.labels,
        latency_ms=round(latency_ms, 3),
    )
