"""The lower layers' output for a dataset's rows: looked up, or computed."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hmi.build.data import LabelledRow
from hmi.build.data_insight import PartStates
from hmi.build.dataset_parts import Part
from hmi.build.evaluation import ExactPath, LowerPath, PlotPath
from hmi.build.learn_domain import LearnedDomain
from hmi.build.planned_work import Stage
from hmi.build.plot_builder import TrainingRows, look_up_leaving_out
from hmi.build.private_leaf import PrivateLeaf
from hmi.build.state_cache import CachedFile
from hmi.build.states import ComputeStates, StateSet, kept_states, select
from hmi.build.training.run import TrainingRun
from hmi.build.window_states import WindowStates
from hmi.plot.leave_one_out import NodeEvidence
from hmi.plot.segment import text_hashes
from hmi.plot.tree import open_leave_one_out


class RowStates:
    """Makes states, each once: by this process, by one before it, or by another training of the dataset. One
    thread."""

    def __init__(self, run: TrainingRun, domain: LearnedDomain, windows: WindowStates) -> None:
        """``windows``: what the domain was learnt from."""
        self.domain = domain
        self._run = run
        self._windows = windows

    def looked_up(self, path: PlotPath, leaf: PrivateLeaf | None = None) -> PartStates:
        """Training rows are looked up as if their own text had never been counted, the others as in
        serving. ``path`` looks up in the domain's tree, and in the ``leaf`` where there is one."""
        parts = self._run.parts
        stage, name = (Stage.LOOKING_UP, "plot") if leaf is None else (Stage.LEAF_LOOKING_UP, "leaf")
        self._run.progress.enter(stage, "looking all rows up", num_steps=parts.num_rows)
        ways: tuple[tuple[str, Part, ComputeStates], ...] = (
            ("train", parts.train, self._leaving_out(leaf)),
            ("validation", parts.validation, _along(path, parts.validation)),
            ("test", parts.test, _along(path, parts.test)),
        )
        found: list[StateSet] = []
        for part_name, part, compute in ways:
            # A leaf is the task's own: nothing of it is left to others.
            shared = None if leaf is not None else self._looked_up_file(part)
            num_before = sum(len(states.lengths) for states in found)
            found.append(self._kept(f"{name}-{part_name}.f16", part, compute, num_before, shared))
        return PartStates(*found)

    def computed_to_train(self) -> StateSet:
        """Of the training rows: as exact as the upper layers that read them."""
        return self._computed("train", self._run.parts.train, num_before=0)

    def computed_to_validate(self) -> StateSet:
        """Of the validation rows, likewise."""
        parts = self._run.parts
        return self._computed("validation", parts.validation, num_before=len(parts.train.rows))

    def _computed(self, name: str, part: Part, *, num_before: int) -> StateSet:
        dtype = self._run.dtype
        compute = _along(ExactPath(self._run.backbone, dtype=dtype), part)
        shared = self._run.shared.file_of("computed", part, str(dtype))
        return self._kept(f"computed-{name}.f16", part, compute, num_before, shared)

    def _leaving_out(self, leaf: PrivateLeaf | None) -> ComputeStates:
        run, train = self._run, self._run.parts.train
        evidence = None if leaf is None else NodeEvidence((leaf.segment,), leaf.table)
        leaving_out = open_leave_one_out(run.store, self.domain.tree, own=self.domain.own, leaf=evidence)

        def without(place: int, rows: Sequence[LabelledRow]) -> TrainingRows:
            wholes = [row.whole_text for row in rows]
            is_whole = leaving_out.max_windows(text_hashes(wholes)) > 0  # as pairs were counted once
            return look_up_leaving_out(
                run.backbone,
                leaving_out,
                [
                    whole if was_whole else row.counted_texts[place]
                    for row, whole, was_whole in zip(rows, wholes, is_whole, strict=True)
                ],
                max_tokens=run.job.recipe.max_tokens,
                inputs=[row.input for row in rows],
                states=self._windows,
            )

        def look_up(start: int, end: int) -> npt.NDArray[np.float32]:
            rows = train.rows[start:end]
            found = without(0, rows)
            states, types = found.rows, run.backbone.token_types(found.encoded.documents)
            if types is not None:  # of a pair, each text's tokens as if that text had never been counted
                states = np.where(types[:, None], without(-1, rows).rows, states)
            residuals: npt.NDArray[np.float32] = run.backbone.residuals_of(found.encoded.documents).numpy()
            return states + residuals

        return look_up

    def _looked_up_file(self, part: Part) -> CachedFile:
        """What a part's looked-up states are a function of: where their own text is left out, of whole texts
        and of what their dataset has counted, too."""
        domain = self.domain
        nodes = [node.digest for node in domain.tree.fields.nodes]
        left_out: list[bytes | str] = []
        if part is self._run.parts.train:
            hashes = text_hashes(part.counted_texts).tobytes()
            left_out = [domain.published_segment.digest, hashes, str(self._run.dtype)]
        return self._run.shared.file_of("looked up", part, *nodes, *left_out, tree=domain.tree.digest)

    def _kept(
        self, name: str, part: Part, compute: ComputeStates, num_before: int, shared: CachedFile | None
    ) -> StateSet:
        """A part's states: those of a run before, or of another job, or computed now; ``num_before`` rows of
        the phase are done."""
        path = self._run.work.path / name
        if shared is not None:
            self._run.shared.take(shared, path)
        states = kept_states(
            path,
            part.documents,
            compute,
            hidden=self._run.backbone.fields.hidden,
            on_documents=lambda done: self._run.progress.advance(num_before + done),
        )
        if shared is not None:
            self._run.shared.keep(shared, path)
        return states


def _along(path: LowerPath, part: Part) -> ComputeStates:
    def compute(start: int, end: int) -> npt.NDArray[np.float32]:
        states: npt.NDArray[np.float32] = path(select(part.documents, range(start, end))).states.numpy()
        return states

    return compute
