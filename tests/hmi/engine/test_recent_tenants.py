"""RecentTenants: shares by weight among the tenants of the last batches."""

from hmi.engine.recent_tenants import MIN_SHARE, NUM_BATCHES, RecentTenants
from wire.ids import TenantId

A, B = TenantId("a"), TenantId("b")


def test_a_tenant_alone_may_have_all_and_beside_others_its_share_by_weight() -> None:
    recent = RecentTenants()
    assert recent.share(A, 1.0, asked=4.0) == 1
    recent.add_batch({A: 1.0, B: 3.0})
    assert recent.share(A, 1.0, asked=4.0) == 0.25
    for _ in range(NUM_BATCHES):
        recent.add_batch({A: 1.0})
    assert recent.share(A, 1.0, asked=4.0) == 1


def test_a_weight_that_changes_leaves_nothing_behind() -> None:
    """Counted in with one weight and out with the other, the rest stayed for ever: all were held to the least
    share, or nobody to any."""
    for before, after in ((100.0, 1.0), (1.0, 100.0)):
        recent = RecentTenants()
        recent.add_batch({A: before})
        for _ in range(NUM_BATCHES):
            recent.add_batch({A: after})
        assert recent.share(A, after, asked=4.0) == 1
        assert recent.share(B, 1.0, asked=4.0) == max(1 / (1 + after), MIN_SHARE)
        for _ in range(NUM_BATCHES):
            recent.add_batch({B: 1.0})
        recent.add_batch({A: after})
        assert recent.share(B, 1.0, asked=4.0) == max(1 / (1 + after), MIN_SHARE)
