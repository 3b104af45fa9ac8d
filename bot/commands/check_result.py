"""The result of one check of ``odobot check``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check. A warning is a check that passed with a remark."""

    name: str
    is_ok: bool
    detail: str
    is_warning: bool = False

    @property
    def label(self) -> str:
        """``ok``, ``warn`` or ``FAIL``, padded to four characters."""
        if not self.is_ok:
            return "FAIL"
        return "warn" if self.is_warning else "ok  "


class CheckFailed(Exception):
    """The message is the result's detail."""
