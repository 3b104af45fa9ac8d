# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""The control API: a whole conversation, the operator's tools, live events."""

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from sandbox.telegram import Bot, Person, TelegramServer, create_app
from tests.sandbox.telegram.fixtures import TOKEN, Api, api, bot, camille, clock, telegram


class Control:
    """A client of the control API; every call must succeed unless a status is expected."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self.client, self.url = client, f"{url}/control"

    async def __call__(self, verb: str, path: str, expected: int = 200, **body: Any) -> Any:
        response = await self.client.request(verb, self.url + path, json=body or None)
        assert response.status_code == expected, response.text
        return response.json()


@pytest.fixture
def control(telegram: TelegramServer, api: Api) -> Control:
    return Control(api.client, telegram.url)


async def test_a_conversation(control: Control, api: Api) -> None:
    person = await control("POST", "/persons", first_name="Jo", language_code=None)
    me = f"/persons/{person['user_id']}"
    await control("POST", f"{me}/start", payload="abc")
    said = await control("POST", f"{me}/say", text="factures")
    assert (said["text"], said["message_id"]) == ("factures", 2)
    await control("POST", f"{me}/edit", message_id=2, text="facture")
    markup = {"inline_keyboard": [[{"text": "PDF", "callback_data": "p"}]]}
    files = {"document": ("f.pdf", b"%PDF", "application/pdf")}
    data = {"chat_id": str(person["user_id"]), "reply_markup": json.dumps(markup)}
    await api.client.post(f"{api.base}/sendDocument", data=data, files=files)
    tapped = await control("POST", f"{me}/tap", label="PDF")
    await api.ok("answerCallbackQuery", callback_query_id=tapped["callback_query_id"], text="voilà")
    chat = await control("GET", f"/chats/{person['user_id']}/transcript")
    assert [message["text"] for message in chat["messages"]] == ["/start abc", "facture", ""]
    assert chat["messages"][2]["document"]["file_name"] == "f.pdf"
    assert chat["messages"][2]["keyboard"] == [
        [{"label": "PDF", "callback_data": "p", "url": None, "copied_text": None, "style": None}]
    ]
    assert [change["kind"] for change in chat["timeline"]] == ["message", "message", "edit", "message", "tap", "answer"]
    assert chat["timeline"][-1]["answer"]["text"] == "voilà"
    response = await control.client.get(f"{control.url}/chats/{person['user_id']}/messages/3/document")
    assert (response.content, response.headers["content-type"]) == (b"%PDF", "application/pdf")
    await control("POST", f"{me}/delete", message_id=2)
    await control("POST", f"{me}/block")
    assert (await control("GET", me))["blocked"] == ["odobot"]
    await control("POST", f"{me}/unblock")
    await control("POST", f"{me}/deactivate")
    assert (await control("GET", "/persons"))["persons"][0]["deactivated"]


async def test_waiting_for_a_transcript(control: Control, api: Api, camille: Person) -> None:
    seq = (await control("GET", "/chats"))["chats"][0]["seq"]
    waiting = asyncio.create_task(control("GET", f"/chats/50001/transcript?since={seq}&wait=5"))
    await asyncio.sleep(0.03)
    await api.ok("sendChatAction", chat_id=50_001, action="typing")
    timeline = (await waiting)["timeline"]
    assert [(change["kind"], change["action"]) for change in timeline] == [("action", "typing")]
    assert (await control("GET", f"/chats/50001/transcript?since={timeline[0]['seq']}&wait=0.01"))["timeline"] == []


async def test_sending_other_than_text(control: Control, camille: Person) -> None:
    for kind in ("photo", "voice", "sticker", "location", "contact"):
        assert kind in (await control("POST", "/persons/50001/send", kind=kind))["media"]
    content = base64.b64encode(b"x").decode()
    sent = await control("POST", "/persons/50001/send", kind="document", file_name="a.txt", content=content)
    assert (sent["document"]["size"], sent["document"]["mime_type"]) == (1, "text/plain")
    assert len((await control("POST", "/persons/50001/send", kind="album", count=2))["messages"]) == 2


async def test_groups_and_bots(control: Control, api: Api, camille: Person) -> None:
    group = await control("POST", "/groups", title="Équipe", members=[50_001], bots=["odobot"])
    await control("POST", "/persons/50001/say", text="/aide", group=group["id"])
    assert (await control("GET", f"/chats/{group['id']}/transcript"))["messages"][0]["text"] == "/aide"
    await control("POST", f"/groups/{group['id']}/remove_bot", bot="odobot")
    await control("POST", f"/groups/{group['id']}/add_bot")
    assert (await control("POST", f"/groups/{group['id']}/migrate"))["type"] == "supergroup"
    await control("POST", "/bots", token="42:x", username="autrebot", first_name="Autre")
    await api.ok("setMyCommands", commands=[{"command": "aide", "description": "Aide"}])
    bots = (await control("GET", "/bots"))["bots"]
    assert [each["username"] for each in bots] == ["odobot", "autrebot"]
    assert bots[0]["commands"][0]["commands"] == [{"command": "aide", "description": "Aide"}]
    assert (await control("GET", "/persons/50001/menu?bot=odobot"))["commands"][0]["command"] == "aide"


async def test_the_operators_tools(control: Control, api: Api, camille: Person) -> None:
    await control("POST", "/faults", kind="error", method="getMe", status=500, description="Internal Server Error")
    assert len((await control("GET", "/faults"))["faults"]) == 1
    await api.refused("getMe")
    waiting = asyncio.create_task(control("GET", "/requests?method=getme&count=2&wait=5&bot=odobot"))
    await api.ok("getMe", zz=1)
    requests = (await waiting)["requests"]
    assert [(entry["status"], entry["fault"]) for entry in requests] == [(500, "error"), (200, None)]
    assert (await control("GET", "/lint"))["lint"] == ["getMe: zz: unknown parameter"]
    assert (await control("DELETE", "/faults"))["faults"] == []
    assert (await control("POST", "/clock", advance=3600))["now"] == "2026-03-02T13:00:00+00:00"
    assert (await control("POST", "/clock", set="2026-05-01T00:00:00+00:00"))["now"].startswith("2026-05-01")
    assert (await control("PATCH", "/settings", per_chat_per_second=1))["per_chat_per_second"] == 1


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("GET", "/persons/7", {}, 404),
        ("GET", "/chats/7/transcript", {}, 404),
        ("POST", "/persons/50001/tap", {"label": "Rien"}, 409),
        ("POST", "/persons/50001/send", {"kind": "money"}, 409),
        ("POST", "/persons", {"shoe_size": 40}, 422),
        ("POST", "/clock", {"advance": "soon"}, 422),
        ("POST", "/faults", {"kind": "flood"}, 409),
        ("PATCH", "/settings", {"shoe_size": 40}, 409),
        ("POST", "/groups/-5/migrate", {}, 404),
    ],
)
async def test_impossible_actions_are_refused(
    control: Control, camille: Person, verb: str, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await control(verb, path, status, **body))["error"]


async def test_live_events(telegram: TelegramServer, control: Control, api: Api, camille: Person) -> None:
    seen = []
    async with control.client.stream("GET", f"{control.url}/events?since=0") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        await api.ok("sendMessage", chat_id=50_001, text="direct")
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))
                if seen[-1]["kind"] == "request":
                    break
    assert [event["kind"] for event in seen] == ["person", "chat", "message", "message", "request"]
    assert seen[3]["message"]["text"] == "direct"
    assert seen[4]["request"]["method"] == "sendMessage"


async def test_live_events_end_with_the_server(telegram: TelegramServer, control: Control, camille: Person) -> None:
    async with control.client.stream("GET", f"{control.url}/events") as response:
        lines = response.aiter_lines()
        await anext(lines)
        await telegram.stop()
        assert [line async for line in lines if line] == []


async def test_it_is_an_asgi_application() -> None:
    app = create_app()
    app.world.create_bot(TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client:
        assert (await client.get(f"/bot{TOKEN}/getMe")).json()["result"]["is_bot"]
        assert len((await client.get("/control/bots")).json()["bots"]) == 1
