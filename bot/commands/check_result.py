"""The result of one check of ``odobot check``."""

from msgspec import Struct


class CheckResult(Struct, frozen=True):
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

    @property
    def facts(self) -> dict[str, str]:
        """The result for ``--json``; ``result`` is ``ok``, ``warning`` or ``failed``."""
        result = "failed" if not self.is_ok else "warning" if self.is_warning else "ok"
        return {"name": self.name, "result": result, "detail": self.detail}


class CheckFailed(Exception):
    """The message is the result's detail; ``name`` is the result's, where it is another than the check's."""

    def __init__(self, detail: str, name: str = "") -> None:
        super().__init__(detail)
        self.name = name
