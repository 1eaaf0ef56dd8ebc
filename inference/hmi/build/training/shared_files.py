"""Large files of a training that other trainings of its dataset can use as they are."""

from pathlib import Path

from hmi.build.dataset_parts import Part
from hmi.build.state_cache import CachedFile, StateCache, content_key
from wire.ids import Digest
from wire.training import TrainJob


class SharedFiles:
    """What one job takes from the cache and leaves there; without a cache, nothing."""

    def __init__(self, job: TrainJob, cache: StateCache | None, *, code: str) -> None:
        """``code``: its digest. What other code has left is other files."""
        self._job = job
        self._cache = cache
        self._code = code

    def file_of(self, what: str, part: Part, *further: bytes | str, tree: Digest | None = None) -> CachedFile:
        """The name of what is a function of the code, the backbone, a part's tokens and ``further``."""
        documents = part.documents
        key = content_key(
            self._code,
            what,
            self._job.backbone_digest,
            documents.token_ids.tobytes(),
            documents.offsets.tobytes(),
            *further,
        )
        return CachedFile(self._job.tenant_id, self._job.dataset_id, tree, key)

    def take(self, file: CachedFile, path: Path) -> None:
        """Let another job's file stand at ``path``, where there is one and this job has none yet."""
        if self._cache is not None and not path.exists():
            self._cache.take(file, path)

    def keep(self, file: CachedFile, path: Path) -> None:
        """Leave what stands at ``path`` to others."""
        if self._cache is not None:
            self._cache.keep(file, path)
