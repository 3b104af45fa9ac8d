"""The results of requesting a code and of checking a typed one."""

from dataclasses import dataclass, field

from msgspec import Struct

from services.linking.code_limits import SHORT_MINUTES, TooOften
from storage.linking.links import NewLink
from storage.tables import Awaited
from texts.language import Language


class Purpose(Struct, frozen=True):
    """The purpose of a code. Without a field it is linking.

    Args:
        for_link: The link whose bookkeeper's copy the code confirms.
        for_chat: The chat whose revocation the code confirms.
    """

    for_link: int | None = None
    for_chat: int | None = None

    @property
    def awaited(self) -> Awaited:
        """Return how the chat's next text is interpreted."""
        if self.for_chat is not None:
            return Awaited.REVOKE_CODE
        return Awaited.CODE if self.for_link is None else Awaited.COPY_CODE


LINKING = Purpose()


@dataclass(frozen=True, slots=True)
class CodeRequested:
    """A code is stored; ``CodeDelivery`` mails it.

    Args:
        email: The address in normal form.
        code: Empty without ``is_mailed``.
        minutes: Lifetime of the code.
        is_mailed: False where the code of an earlier mail is to be used: no new mail is sent.
        warns_owner: Whether the owner of the mailbox must be warned of unusual requests.
    """

    chat_id: int
    code_id: int
    email: str = field(repr=False)
    code: str = field(repr=False)
    minutes: int = SHORT_MINUTES
    is_long: bool = False
    is_mailed: bool = True
    warns_owner: bool = False


class AddressProven(Struct, frozen=True):
    """The code was right: ``Linking.finish`` creates the links."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code was wrong; ``left`` attempts remain. At 0 the code is closed."""

    left: int
    warns_owner: str | None = field(default=None, repr=False)
    """The address whose owner must be warned of many wrong codes, or None."""


class OtherCodeKind(Struct, frozen=True):
    """The chat's code has the other length (long where ``is_long``); nothing was compared, no attempt was counted."""

    is_long: bool


class OlderCode(Struct, frozen=True):
    """The code of an earlier mail of the same request, which a newer one replaced; no attempt was counted."""


class CodeExpired(Struct, frozen=True):
    """The chat has no valid code."""


class CodeWithdrawn(Struct, frozen=True):
    """Too many wrong codes were typed for the address, over all chats: the person must request a new code."""


CheckResult = AddressProven | WrongCode | OtherCodeKind | OlderCode | CodeExpired | CodeWithdrawn | TooOften


@dataclass(frozen=True, slots=True)
class Linked:
    """The chat was linked.

    Args:
        email: The proven address as the portal writes it.
        language: The contact's language at the portal, or None.
        links: The linked accounts in the portal's order; empty where the contact has none.
        is_new: Whether the chat was not linked through this address before.
        others: The other chats that are linked through this address.
        proven: The address in normal form.
    """

    email: str = field(repr=False)
    language: Language | None
    links: tuple[NewLink, ...] = field(repr=False)
    is_new: bool
    others: tuple[int, ...] = ()
    proven: str = field(default="", repr=False)
