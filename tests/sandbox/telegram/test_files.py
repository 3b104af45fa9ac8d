# ruff: noqa: F401, F811  # fixtures are imported and asked for by name
"""Documents in both directions: uploads, reuse, limits, downloads."""

import httpx
import pytest

from sandbox.telegram import Bot, Person, TelegramServer
from sandbox.telegram.settings import MEBIBYTE
from tests.sandbox.telegram.fixtures import Api, api, bot, camille, clock, telegram


async def upload(api: Api, content: bytes, name: str = "facture 1.pdf", **more: str) -> httpx.Response:
    data = {"chat_id": "50001", **more}
    return await api.client.post(f"{api.base}/sendDocument", data=data, files={"document": (name, content)})


async def test_documents_can_be_reused_and_downloaded(telegram: TelegramServer, api: Api, camille: Person) -> None:
    sent = (await upload(api, b"%PDF-1.7", caption="<b>Facture</b>", parse_mode="HTML")).json()["result"]
    document = sent["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == (
        "facture 1.pdf",
        "application/pdf",
        8,
    )
    assert (sent["caption"], sent["caption_entities"][0]["type"]) == ("Facture", "bold")
    seen = await camille.wait_for_message("facture 1.pdf")
    assert seen.file is not None
    assert seen.file.content == b"%PDF-1.7"
    again = await api.ok("sendDocument", chat_id=50_001, document=document["file_id"])
    assert again["document"] == document
    assert "caption" not in again
    file = await api.ok("getFile", file_id=document["file_id"])
    response = await api.client.get(f"{telegram.url}/file/bot{api.base.rpartition('/bot')[2]}/{file['file_path']}")
    assert response.content == b"%PDF-1.7"
    gone = await api.client.get(f"{telegram.url}/file/bot{api.base.rpartition('/bot')[2]}/documents/file_99.pdf")
    assert gone.status_code == 404


async def test_attach_and_caption_edits(api: Api, camille: Person) -> None:
    data = {"chat_id": "50001", "document": "attach://part"}
    response = await api.client.post(f"{api.base}/sendDocument", data=data, files={"part": ("../é.txt", b"x")})
    sent = response.json()["result"]
    assert (sent["document"]["file_name"], sent["document"]["mime_type"]) == ("é.txt", "text/plain")
    where = {"chat_id": 50_001, "message_id": sent["message_id"]}
    assert (await api.ok("editMessageCaption", **where, caption="un"))["caption"] == "un"
    assert "caption" not in await api.ok("editMessageCaption", **where)
    assert (
        await api.refused("editMessageText", **where, text="x")
        == "Bad Request: there is no text in the message to edit"
    )
    text = await api.ok("sendMessage", chat_id=50_001, text="x")
    refused = await api.refused("editMessageCaption", chat_id=50_001, message_id=text["message_id"], caption="y")
    assert refused == "Bad Request: there is no caption in the message to edit"
    assert (await upload(api, b"x", caption="é" * 1025)).json()[
        "description"
    ] == "Bad Request: message caption is too long"
    assert (await upload(api, b"")).json()["description"] == "Bad Request: file must be non-empty"


async def test_file_ids_are_valid_for_one_bot(telegram: TelegramServer, api: Api, camille: Person) -> None:
    sent = (await upload(api, b"x")).json()["result"]["document"]
    other = telegram.world.create_bot("42:other", "autrebot")
    camille.start(bot=other)
    theirs = Api(api.client, telegram.api_url(other))
    refused = await theirs.refused("sendDocument", chat_id=50_001, document=sent["file_id"])
    assert refused.startswith("Bad Request: wrong remote file identifier specified: ")
    photo = camille.send_photo(bot="odobot").media["photo"][0]["file_id"]
    refused = await api.refused("sendDocument", chat_id=50_001, document=photo)
    assert refused == "Bad Request: can't use file of type Photo as Document"


@pytest.mark.parametrize(("size", "status"), [(1 * MEBIBYTE, 200), (1 * MEBIBYTE + 1, 413), (3 * MEBIBYTE, 413)])
async def test_uploads_have_a_limit(
    telegram: TelegramServer, api: Api, camille: Person, size: int, status: int
) -> None:
    telegram.world.settings.upload_bytes = MEBIBYTE  # instead of Telegram's 50 MB
    response = await upload(api, b"x" * size)
    assert response.status_code == status
    if status == 413:
        assert response.json()["description"] == "Request Entity Too Large"


async def test_downloads_have_a_limit(api: Api, camille: Person) -> None:
    camille.send_document("grand.zip", b"x", size=20 * MEBIBYTE + 1)
    camille.send_document("petit.zip", b"x", size=20 * MEBIBYTE)
    large, small = [update["message"]["document"] for update in await api.ok("getUpdates", offset=-2)]
    assert large["file_size"] == 20 * MEBIBYTE + 1
    assert await api.refused("getFile", file_id=large["file_id"]) == "Bad Request: file is too big"
    assert (await api.ok("getFile", file_id=small["file_id"]))["file_unique_id"] == small["file_unique_id"]


def png(width: int, height: int, size: int = 100) -> bytes:
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + width.to_bytes(4) + height.to_bytes(4)
    return head.ljust(size, b"\0")


async def test_picture_has_sizes_and_can_be_reused(api: Api, camille: Person) -> None:
    data, files = {"chat_id": "50001", "caption": "Relevé"}, {"photo": ("releve.png", png(1080, 1800))}
    sent = (await api.client.post(f"{api.base}/sendPhoto", data=data, files=files)).json()["result"]
    assert [(each["width"], each["height"]) for each in sent["photo"]] == [(1080, 1800)]
    again = await api.ok("sendPhoto", chat_id=50_001, photo=sent["photo"][-1]["file_id"])
    assert again["photo"] == sent["photo"]
    wrong = await api.client.post(
        f"{api.base}/sendDocument", data={"chat_id": "50001", "document": sent["photo"][-1]["file_id"]}
    )
    assert "type of file" not in wrong.text or wrong.status_code == 400


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7", "IMAGE_PROCESS_FAILED"),
        (png(9000, 1080), "PHOTO_INVALID_DIMENSIONS"),
        (png(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (png(1080, 1080, 10 * MEBIBYTE + 1), "file is too big"),
    ],
    ids=["no picture", "too large", "too thin", "too long"],
)
async def test_bad_picture_is_refused(api: Api, camille: Person, content: bytes, words: str) -> None:
    answer = await api.client.post(
        f"{api.base}/sendPhoto", data={"chat_id": "50001"}, files={"photo": ("a.png", content)}
    )
    assert answer.status_code == 400
    assert words in answer.json()["description"]
