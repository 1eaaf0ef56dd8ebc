"""Both planes take the same errors of S3's client for a store that does not answer."""

import hmi.artifacts.store
import portal.common.store


def test_what_says_that_a_store_does_not_answer() -> None:
    of_the_data_plane = hmi.artifacts.store._client_errors()
    assert len(of_the_data_plane) > 1, "S3's client is installed"
    assert portal.common.store._client_errors() == of_the_data_plane
