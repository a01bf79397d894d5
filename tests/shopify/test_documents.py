"""The loader of GraphQL documents: whole operations, each fragment once, and nothing else."""

from __future__ import annotations

import pytest

from plugin.shopify.documents import document, names


def test_a_document_comes_with_the_fragments_it_uses_and_theirs_once() -> None:
    text = document("order").text
    for fragment in ("OrderLine", "OrderRefund", "OrderParcel", "Money"):
        assert text.count(f"fragment {fragment} on") == 1
    assert "fragment" not in document("shop").text


def test_comments_stay_at_home() -> None:
    assert all("#" not in document(name).text for name in names())


def test_kind_is_what_the_document_begins_with() -> None:
    assert document("order").kind == "query"
    assert document("tags_add").kind == "mutation"


def test_fragments_are_no_operations_and_unknown_names_an_error() -> None:
    assert not [name for name in names() if name.startswith("fragment")]
    with pytest.raises(FileNotFoundError):
        document("order_by_magic")
