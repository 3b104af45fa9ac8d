"""The faults pane offers every fault of the registries, with words in both languages."""

import pytest

from sandbox.mail.faults import Stage
from sandbox.portal.faults import FaultKind
from sandbox.telegram.faults import FaultKind as TelegramKind
from sandbox.web.panes.faults import TELEGRAM_NAMES, choices
from sandbox.web.rendering.fault_words import fault_words, has_words

OFFERED = list(choices())


@pytest.mark.parametrize(("system", "fault"), OFFERED)
def test_fault_has_words_in_both_languages(system: str, fault: str) -> None:
    """Add them to sandbox/web/rendering/fault_words.py."""
    assert has_words(system, fault)
    for language in ("fr", "en"):
        assert all(fault_words(system, fault, language))


def test_every_kind_of_the_registries_is_offered() -> None:
    wanted = [("portal", kind.value) for kind in FaultKind]
    wanted += [("telegram", TELEGRAM_NAMES.get(kind.value, kind.value)) for kind in TelegramKind]
    wanted += [("mail", stage.value) for stage in Stage]
    assert set(wanted) <= set(OFFERED)
    assert len(OFFERED) == len(set(OFFERED))


def test_fault_without_words_shows_its_name() -> None:
    assert fault_words("portal", "new_kind", "en") == ("new_kind", "")
