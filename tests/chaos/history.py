"""What happened in a run, as plain records. Times are unix seconds of the machine's clock."""

from dataclasses import dataclass, field

REPEATED = "repeated"
"""Stands in the state of a delivery that is, or was, a marked repetition."""


@dataclass(frozen=True, slots=True)
class Text:
    """A numbered text that a person typed; each number is typed once."""

    at: float
    chat: int
    number: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of the bot about a typed number; or, with an empty number, one that tells the person to try again."""

    at: float
    chat: int
    number: str
    is_new: bool = True
    """False: the bot edited an earlier message."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the portal that somebody has to be told."""

    at: float
    kind: str
    number: str
    chats: frozenset[int]
    addresses: frozenset[str] = frozenset()
    """The bookkeepers who have to get a copy."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice about an event: a message in a chat (``to`` is its id), or a mail (``to`` is the address)."""

    at: float
    to: int | str
    kind: str
    number: str
    is_marked: bool = False
    """Whether it says that the reader may already have received it."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A kill, a stop, a fault, a step of the clock, or one call whose outcome is unclear to the bot.

    Args:
        what: ``kill``, ``stop``, ``ended``, ``unclear``, ``database.…`` and other names of the plan.
        chat: The chat that it is about; None for all.
    """

    at: float
    until: float
    what: str
    detail: str = ""
    chat: int | None = None


@dataclass(frozen=True, slots=True)
class End:
    """What is found when everything is settled.

    Args:
        not_ready: Why ``/readyz`` is not ready; empty if it is.
        is_alive: Whether the process runs.
        unsettled: Deliveries that have no final state.
        memory: Resident memory after the first start and at the end, in MB.
        stops: How long each SIGTERM took, in seconds.
        left: Processes and ports that remain after the last stop.
    """

    not_ready: tuple[str, ...] = ()
    is_alive: bool = True
    unsettled: int = 0
    memory: tuple[float, float] = (0.0, 0.0)
    stops: tuple[float, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(slots=True)
class History:
    """The records of a run, each list in order of time."""

    texts: list[Text] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    states: dict[tuple[int | str, str, str], str] = field(default_factory=dict)
    """The state of each delivery, ``REPEATED`` if it is a repetition, and its reason.

    The key: recipient, kind (``copy`` for a mail) and number.
    """
    paused: frozenset[str] = frozenset()
    """The bookkeepers whose copies are paused, because their address refused one; their chats are told."""
    removed: dict[int, float] = field(default_factory=dict)
    """The chats that lost their link, and when the portal said so."""
    end: End = field(default_factory=End)
