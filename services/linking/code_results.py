"""What comes of asking for a code, and of typing one."""

from dataclasses import dataclass, field

from services.linking.code_limits import SHORT_MINUTES, TooOften
from storage.linking.links import NewLink
from storage.tables import Awaited
from texts.language import Language


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a code is for: linking, or a link's bookkeeper's copy, or the revocation of another chat."""

    for_link: int | None = None
    for_chat: int | None = None

    @property
    def awaited(self) -> Awaited:
        """What the next text is taken for."""
        if self.for_chat is not None:
            return Awaited.REVOKE_CODE
        return Awaited.CODE if self.for_link is None else Awaited.COPY_CODE


LINKING = Purpose()


@dataclass(frozen=True, slots=True)
class CodeRequested:
    """A code is stored; ``deliver`` mails it where there is somebody to mail it to.

    Args:
        minutes: how long it is good for.
        is_mailed: False where the code of an earlier mail is to be used: there is nothing new in the mailbox.
        warns_owner: strange chats asked so often that the owner of the mailbox is to be told.
    """

    chat_id: int
    code_id: int
    email: str = field(repr=False)
    code: str = field(repr=False)
    minutes: int = SHORT_MINUTES
    is_long: bool = False
    is_mailed: bool = True
    warns_owner: bool = False


@dataclass(frozen=True, slots=True)
class AddressProven:
    """The code was right: ``finish`` makes the links."""


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code was another one; ``left`` attempts remain, and at 0 it is closed."""

    left: int
    warns_owner: str | None = field(default=None, repr=False)
    """The address whose owner is to be told of many wrong codes."""


@dataclass(frozen=True, slots=True)
class OtherCodeKind:
    """A code of another length is awaited; nothing was compared, and no attempt was taken."""

    is_long: bool


@dataclass(frozen=True, slots=True)
class CodeExpired:
    """There is no code any more that could be right."""


@dataclass(frozen=True, slots=True)
class CodeWithdrawn:
    """Too many wrong codes were typed for the address, in whatever chats: a new code has to be asked for."""


Checked = AddressProven | WrongCode | OtherCodeKind | CodeExpired | CodeWithdrawn | TooOften


@dataclass(frozen=True, slots=True)
class Linked:
    """The accounts that the proven address opens, in the portal's order.

    Args:
        is_new: the chat was not linked through this address before.
        others: the other chats that are, which are told.
        proven: the address in normal form; ``email`` is as the portal writes it.
    """

    email: str = field(repr=False)
    language: Language | None
    links: tuple[NewLink, ...] = field(repr=False)
    is_new: bool
    others: tuple[int, ...] = ()
    proven: str = field(default="", repr=False)
