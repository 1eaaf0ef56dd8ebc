"""What one answered request is counted as."""

from datetime import datetime

from hmi.kinds.counts import answer_counts
from hmi.service.access import Grant
from hmi.service.answering import Answered
from wire.ids import EventId
from wire.usage import UsageEvent


def usage_of(
    grant: Grant, answered: Answered, *, event_id: EventId, now: datetime, latency_ms: float
) -> UsageEvent:
    """Counts alone: how much, how quickly, how well PLOT covered it, and how sure the version was.

    No text, no label.
    """
    num_tokens: list[int] = answered.encoded.num_tokens.tolist()
    trigrams = bigrams = exact = 0.0
    for tokens, document in zip(num_tokens, answered.answer.documents, strict=True):
        trigrams += tokens * document.coverage.trigram
        bigrams += tokens * document.coverage.bigram
        exact += tokens * document.coverage.exact
    counts = answer_counts(answered.told, answered.fields.labels, answered.fields.value_bounds)
    return UsageEvent(
        id=event_id,
        tenant_id=grant.task.tenant_id,
        task_id=grant.task.task_id,
        key_id=grant.key.key_id,
        version_id=answered.version.version_id,
        created_at=now,
        num_texts=len(num_tokens),
        num_tokens=sum(num_tokens),
        num_truncated=sum(answered.encoded.truncated.tolist()),
        num_trigram_tokens=round(trigrams),
        num_bigram_tokens=round(bigrams),
        num_exact_tokens=round(exact),
        score_counts=counts.scores,
        label_counts=counts.labels,
        latency_ms=round(latency_ms, 3),
    )
