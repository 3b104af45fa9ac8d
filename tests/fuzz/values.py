"""Strategies: values and documents that no neighbour should send, and changes of documents that it does send."""

import copy
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st

ODD_TEXTS = [
    "", " ", "\x00", "\ud800", "\u202e", "\u2028", "\ufffd", "🙂" * 40, "a" * 5_000, "9" * 400, "../..", "%2e%2e/",
    "<b>", "&amp;", "{name}", "%s", "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00", "2026-10-15T18:00:00", "-0.00", "1e999999", "NaN", "Infinity", "-1", "1,50", "CAD",
    "http://", "https://[", "javascript:alert(1)", "tel:1", "fr", "paid", "credit_note", "a@b.test", "a@\n.test",
]  # fmt: skip
ODD_NUMBERS = [0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 1e308, -0.0, 0.1, float("nan")]
LEAVES = (
    st.none()
    | st.booleans()
    | st.sampled_from(ODD_NUMBERS)
    | st.sampled_from(ODD_TEXTS)
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=30)
)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
IN_A_SCENE = {HealthCheck.function_scoped_fixture, HealthCheck.too_slow}
"""The scene is the same for all examples of a test: what one leaves behind meets the next, as for a bot that runs."""


def in_scene(examples: int) -> settings:
    """Settings of a test whose examples share a scene. A failing example is not shrunk: the scene has changed."""
    return settings(max_examples=examples, deadline=None, suppress_health_check=list(IN_A_SCENE))


def pointers(document: Any, start: str = "") -> list[str]:
    """Return the JSON pointers of every value of a document, the document itself first."""
    found = [start]
    inner = document.items() if isinstance(document, dict) else enumerate(document) if _is_list(document) else ()
    for key, value in inner:
        found += pointers(value, f"{start}/{str(key).replace('~', '~0').replace('/', '~1')}")
    return found


def _is_list(document: Any) -> bool:
    return isinstance(document, list)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """Draw the document with up to three of its values replaced or removed, or with others added."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        pointer = draw(st.sampled_from(pointers(document)))
        document = _change(draw, document, pointer.split("/")[1:])
    return document


def _change(draw: st.DrawFn, document: Any, path: list[str]) -> Any:
    if not path:
        if isinstance(document, dict) and draw(st.booleans()):
            return document | draw(st.dictionaries(st.text(max_size=8), JSON, max_size=2))
        return draw(JSON)
    key: Any = int(path[0]) if isinstance(document, list) else path[0].replace("~1", "/").replace("~0", "~")
    if len(path) == 1 and draw(st.integers(0, 3)) == 0:
        del document[key]
    else:
        document[key] = _change(draw, document[key], path[1:])
    return document
