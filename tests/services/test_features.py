"""The features of a company: how the setting is read, and that each action belongs where it should."""

import pytest

from services.features import ALL_FEATURES, Feature, parse_features, switched_off


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ALL_FEATURES),
        (" , ", ALL_FEATURES),
        ("-copies", ALL_FEATURES - {Feature.COPIES}),
        (" -Copies , -search,", ALL_FEATURES - {Feature.COPIES, Feature.SEARCH}),
        ("orders", frozenset({Feature.ORDERS})),
        ("orders, search", frozenset({Feature.ORDERS, Feature.SEARCH})),
        (",".join(f"-{feature}" for feature in Feature), frozenset()),
    ],
)
def test_both_forms_are_read(text: str, expected: frozenset[Feature]) -> None:
    assert parse_features(text) == expected


@pytest.mark.parametrize("text", ["fleet", "-fleet", "orders,-search", "orders search", "--orders", "-"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected names of"):
        parse_features(text)


def test_features_off_keep_their_order() -> None:
    assert switched_off({Feature.SEARCH}) == tuple(feature for feature in Feature if feature is not Feature.SEARCH)
    assert switched_off(ALL_FEATURES) == ()
