"""What a process remembers of its last updates."""

import datetime

from services.recent import Recent

NOW = datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC)


def test_update_that_is_tried_again_is_no_repetition() -> None:
    """While the database is away an update is handled again: its edit or tap must not count as seen."""
    recent = Recent(lambda: NOW)
    assert recent.is_new_text(1, 10, "900001", update_id=1, sent_at=NOW, is_edit=False)
    for update_id, is_new in ((2, True), (2, True), (3, False)):
        assert recent.is_new_text(1, 10, "900002", update_id=update_id, sent_at=NOW, is_edit=True) is is_new
    for update_id, is_first in ((4, True), (4, True), (5, False), (4, True)):
        assert recent.is_first_tap(1, 11, update_id) is is_first
