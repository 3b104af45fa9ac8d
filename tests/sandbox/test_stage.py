"""The stage's folder belongs to one sandbox at a time."""

from pathlib import Path

import pytest

from sandbox.stage import StageError, own_folder


def test_second_sandbox_leaves_the_files_of_the_first(tmp_path: Path) -> None:
    """It refuses to start; once the first has ended, the folder is emptied and used."""
    folder = tmp_path / "demo"
    with own_folder(folder):
        (folder / "odobot.db").write_text("data")
        with pytest.raises(StageError, match="another sandbox runs in"), own_folder(folder):
            pass
        assert (folder / "odobot.db").read_text() == "data"
    with own_folder(folder):
        assert list(folder.iterdir()) == []
