"""Progress events: often enough, not too often, with a time left that work and clock explain."""

from hmi.build.job_progress import JobProgress
from hmi.build.planned_work import Stage
from wire.training import Phase, Progress


class Watched:
    """A JobProgress with its events, and a clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.events: list[Progress] = []
        self.progress = JobProgress(self.events.append, monotonic=lambda: self.now_s)

    @property
    def last(self) -> Progress:
        return self.events[-1]


def test_a_fast_phase_is_thinned_but_its_end_is_said() -> None:
    watched = Watched()
    watched.progress.enter(Phase.TRAINING, "training", num_steps=1000)
    for step in range(1, 1001):
        watched.now_s += 0.001
        watched.progress.advance(step, loss=1.0 / step)
    assert len(watched.events) < 10
    assert (watched.last.step, watched.last.loss) == (1000, 0.001)


def test_a_validation_is_said_at_once() -> None:
    watched = Watched()
    watched.progress.enter(Phase.TRAINING, "training", num_steps=1000)
    watched.progress.advance(1, validation_accuracy=0.5)
    assert watched.last.validation_accuracy == 0.5


def test_what_is_told_of_a_model_is_not_taken_for_the_next_ones() -> None:
    watched = Watched()
    told: list[tuple[float | None, float | None]] = []

    def enter(at: Stage, loss: float | None = None, validation_accuracy: float | None = None) -> None:
        watched.progress.enter(at, at.name, num_steps=10)
        told.append((watched.last.loss, watched.last.validation_accuracy))
        if loss is not None:
            watched.progress.advance(10, loss=loss, validation_accuracy=validation_accuracy)

    enter(Stage.TEACHER, 0.1, 0.9)
    enter(Stage.ASKING)  # of the same phase
    enter(Stage.TRAINING, 0.5, 0.7)
    enter(Stage.COMPUTING)
    enter(Stage.TEACHER, 0.2, 0.8)
    enter(Stage.ANSWERING)  # measures what was trained
    assert told == [(None, None), (0.1, 0.9), (None, None), (0.1, 0.9), (0.1, 0.9), (0.5, 0.7)]


def test_a_leaf_that_is_kept_is_the_model_that_is_told_of_at_the_end() -> None:
    watched = Watched()
    for at, loss, validation_accuracy in ((Stage.TRAINING, 0.5, 0.7), (Stage.LEAF_TRAINING, 0.4, 0.8)):
        watched.progress.enter(at, at.name, num_steps=10)
        watched.progress.advance(10, loss=loss, validation_accuracy=validation_accuracy)
    watched.progress.enter(Stage.ANSWERING, "answering")
    assert (watched.last.loss, watched.last.validation_accuracy) == (0.5, 0.7), "as long as it is not kept"
    watched.progress.serve(Phase.TRYING_LEAF)
    watched.progress.enter(Stage.RANKS, "ranks")
    assert (watched.last.loss, watched.last.validation_accuracy) == (0.4, 0.8)


def test_silence_is_broken_by_saying_the_state_again() -> None:
    watched = Watched()
    watched.progress.enter(Phase.LEARNING_DOMAIN, "reading", num_steps=3)
    watched.now_s += 1.0
    watched.progress.beat()
    assert len(watched.events) == 1
    watched.now_s += 0.6
    watched.progress.beat()
    assert len(watched.events) == 2
    assert watched.last.phase is Phase.LEARNING_DOMAIN


def test_the_time_left_is_work_left_at_the_speed_so_far() -> None:
    watched = Watched()
    watched.progress.plan({Phase.LOOKING_UP: 10, Phase.TRAINING: 80, Phase.EVALUATING: 10})
    watched.progress.enter(Phase.LOOKING_UP, "looking up", num_steps=2)
    assert watched.last.eta_s is None
    watched.now_s += 10.0
    watched.progress.advance(2)
    assert watched.last.eta_s == 90.0
    watched.progress.enter(Phase.TRAINING, "training", num_steps=8)
    watched.now_s += 80.0
    watched.progress.advance(4)
    assert watched.last.eta_s == 90.0  # 50 units in 90 s: 50 left
    watched.progress.enter(
        Phase.EVALUATING, "evaluating", num_steps=1
    )  # stopped early: 4 steps are never done
    assert watched.last.eta_s == 18.0  # still 50 units in 90 s


def test_the_share_is_of_the_whole_jobs_work_and_never_falls() -> None:
    watched = Watched()
    watched.progress.enter(Phase.STARTING, "starting")
    assert [event.share for event in watched.events] == [None]
    watched.progress.plan(
        {
            Stage.LOOKING_UP: 10,
            Stage.SEARCHING: 20,
            Stage.TEACHER: 40,
            Stage.ASKING: 10,
            Stage.TRAINING: 20,
            Stage.PUBLISHING: 0,
        }
    )
    shares: list[float | None] = []
    for at, num_steps, num_done in (
        (Stage.LOOKING_UP, 0, 0),  # cannot count its steps
        (Stage.TEACHER, 8, 4),  # and no recipes are searched; it stops early
        (Stage.ASKING, 2, 2),
        (Stage.TRAINING, 10, 5),
    ):
        watched.progress.enter(at, "working", num_steps=num_steps)
        shares.append(watched.last.share)
        for step in range(num_done):
            watched.now_s += 1.0
            watched.progress.advance(step + 1)
        shares.append(watched.last.share)
    assert shares == [0, 0, 0.3, 0.5, 0.7, 0.8, 0.8, 0.9]
    watched.now_s += 1.0
    watched.progress.advance(6, num_steps=100)  # there is more of it than was thought
    assert (watched.last.step, watched.last.share) == (6, 0.9)
    watched.progress.enter(Stage.PUBLISHING, "publishing", num_steps=1)
    assert (watched.last.share, watched.last.phase) == (1.0, Phase.PUBLISHING)


def test_what_an_earlier_process_did_is_done_but_tells_no_pace() -> None:
    watched = Watched()
    watched.progress.plan({Stage.LOOKING_UP: 50, Stage.TRAINING: 50})
    watched.progress.enter(Stage.LOOKING_UP, "looking up", num_steps=5)  # finds its files
    watched.progress.enter(Stage.TRAINING, "training", num_steps=10)
    watched.now_s += 5.0
    watched.progress.advance(1)
    assert (watched.last.share, watched.last.eta_s) == (0.55, 45.0)


def test_a_resumed_phase_does_not_count_the_earlier_process_steps_as_speed() -> None:
    watched = Watched()
    watched.progress.plan({Phase.TRAINING: 100})
    watched.progress.enter(Phase.TRAINING, "training", num_steps=100, first_step=90)
    watched.now_s += 5.0
    watched.progress.advance(95)
    assert watched.last.eta_s == 5.0
