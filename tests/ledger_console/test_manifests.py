"""What is kept of the manifests proves as much as all of them, and never more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.operations.ledger.manifests import Manifests
from workers.ledger.shapes import LINES, Aggregated, DataFile, Synced
from workers.ledger.standing import standing

steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 4), st.booleans(), st.booleans()), max_size=12
)


def entries(found: list[tuple[str, int, bool, bool]]) -> tuple[list[Synced], list[Aggregated]]:
    """Files that grow, or are written anew (another hash), some of which are merged."""
    synced, merged = [], []
    for at, (path, size, other, aggregated) in enumerate(found):
        mark = f"{size}{'x' if other else ''}"
        synced.append(Synced("n", "k", path, size, size, mark, size, size, float(at)))
        if aggregated:
            merged.append(Aggregated("n", "k", path, size, mark, size, 1, size, 0, 0, float(at)))
    return synced, merged


@given(steps, st.integers(1, 4), st.integers(1, 4))
def test_thinned_out_manifests_prove_the_same(
    found: list[tuple[str, int, bool, bool]], a: int, b: int
) -> None:
    synced, merged = entries(found)
    files = [DataFile(p, n, n, n, n, "", LINES) for p, n in (("a", a), ("b", b))]
    kept = Manifests()
    kept.add("synced", synced)
    kept.add("aggregated", merged)
    kept.thin_out()
    whole = standing(files, synced, merged, [], "k", "d")
    assert kept.standing("d", files, "k", None) == whole


@given(steps, st.integers(0, 12))
def test_what_is_read_later_proves_at_most_as_much(
    found: list[tuple[str, int, bool, bool]], cut: int
) -> None:
    """Half of the lines were read, thinned out, and the rest came: as a console that looks again and again."""
    synced, merged = entries(found)
    files = [DataFile(p, 4, 4, 4, 4, "", LINES) for p in "ab"]
    kept = Manifests()
    for part_synced, part_merged in (
        (synced[:cut], merged[: cut // 2]),
        (synced[cut:], merged[cut // 2 :]),
    ):
        kept.add("synced", part_synced)
        kept.add("aggregated", part_merged)
        kept.thin_out()
    whole = standing(files, synced, merged, [], "k", "d")
    again = kept.standing("d", files, "k", None)
    assert again.unsynced_bytes == whole.unsynced_bytes
    assert again.unaggregated_bytes >= whole.unaggregated_bytes
