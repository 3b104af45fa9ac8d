"""Known and unknown addresses get the same answers, also when portal or mail server fail (L1)."""

import re
from collections.abc import Callable

import pytest

from sandbox.mail.faults import Act, Fault as MailFault, Stage
from sandbox.portal.faults import Fault, FaultKind
from tests.scene import CLIENT, Scene

STRANGER = "nobody@example.test"
SEARCH = "/v1/contacts/search"
TIME = re.compile(r"\d+\s?h[\d\s hmins]*")


def of_contact(kind: FaultKind, **more: object) -> Callable[[Scene], object]:
    return lambda scene: scene.portal.faults.set(Fault(kind, path=SEARCH, **more))  # type: ignore[arg-type]


def mail(stage: Stage, **more: object) -> Callable[[Scene], object]:
    return lambda scene: scene.mailbox.fail(MailFault(stage, **more))  # type: ignore[arg-type]


FAULTS: dict[str, Callable[[Scene], object]] = {
    "nothing": lambda scene: None,
    "portal 500": of_contact(FaultKind.SERVER_ERROR),
    "portal 503 once": of_contact(FaultKind.UNAVAILABLE, times=1),
    "portal 429": of_contact(FaultKind.TOO_MANY),
    "portal 401": of_contact(FaultKind.UNAUTHORISED),
    "portal drops": of_contact(FaultKind.DROP),
    "portal cuts": of_contact(FaultKind.CUT),
    "portal talks nonsense": of_contact(FaultKind.MALFORMED_JSON),
    "portal sends a page": of_contact(FaultKind.PDF_HTML),
    "mail refuses to connect": mail(Stage.CONNECT, code=554),
    "mail drops the greeting": mail(Stage.CONNECT, act=Act.DROP),
    "mail greylists": mail(Stage.RCPT, code=450),
    "mail refuses the recipient": mail(Stage.RCPT, code=550),
    "mail refuses the sender": mail(Stage.MAIL, code=550),
    "mail refuses the content": mail(Stage.CONTENT, code=554),
    "mail drops after the content": mail(Stage.STORED, act=Act.DROP),
    "a contact with odd fields": of_contact(FaultKind.ODD_CONTACT),
    "a contact that cannot be read": of_contact(FaultKind.UNREADABLE_CONTACT),
    "a contact with an unclean address": of_contact(FaultKind.UNCLEAN_ADDRESS),
    "portal answers another shape": of_contact(FaultKind.WRONG_SHAPE),
    "portal redirects": of_contact(FaultKind.REDIRECT),
    "portal answers deep JSON": of_contact(FaultKind.JSON_DEEP),
    "a proxy answers": of_contact(FaultKind.PROXY_PAGE, status=404),
}


async def view(scene: Scene, email: str) -> tuple[list[str], list[str]]:
    """Return all that a chat sees of asking and guessing, and the Bot API calls, in order."""
    person = scene.person("fr", "Camille")
    await scene.say(person, "/lier")
    since = scene.telegram.world.log.count  # what comes before the address cannot depend on it
    await scene.say(person, email)
    await scene.settled()
    for code in ("000000", "abcd-2345", "000001"):
        await scene.say(person, code)
    await scene.settled()
    shown = [f"{message.html} {message.labels}" for message in person.chat().messages.values() if message.from_bot]
    calls = [entry for entry in scene.telegram.world.log.find(since=since) if entry.params.get("chat_id")]
    mine = [entry.method for entry in calls if str(entry.params["chat_id"]) == str(person.user_id)]
    return [TIME.sub("…", text.replace(email, "…")) for text in shown], mine


@pytest.mark.parametrize("fault", FAULTS)
async def test_known_and_unknown_address_get_equal_answers(scene: Scene, fault: str) -> None:
    FAULTS[fault](scene)
    known = await view(scene, CLIENT)
    scene.portal.faults.clear()
    scene.mailbox.faults.clear()
    FAULTS[fault](scene)
    unknown = await view(scene, STRANGER)

    assert known == unknown
    assert len(known[0]) >= 4
