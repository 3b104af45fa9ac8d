"""The portal's API, version 1, as an OpenAPI 3.1 document, made from what this program reads: ``portal.models``.

``docs/portal-api.yaml`` is this document; a test holds the two together.
"""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from portal.conformance.signed_requests import SIGNATURE, signed_requests
from portal.events import Event, EventPage, EventType
from portal.fields import MOST_COUNT
from portal.models import Contact, Invoice, InvoiceSummary, MenuLink, Order, Page

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_AMOUNT = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "examples": ["293.08"]}
_PARTS = "/v1/contacts/{contact_id}/accounts/{account_id}"


class _Schema(GenerateJsonSchema):
    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:  # noqa: ARG002
        return dict(_AMOUNT)

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002
        return False


def document() -> Json:
    """The whole document, as plain data in a settled order."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The portal's API",
            "version": "1",
            "description": (
                "What a customer portal offers to Odobot. Everything about an account is asked as a contact, so that "
                "the portal decides, in the same round trip, what this person may see. Unknown fields are ignored, "
                "optional ones may be missing; numbers are strings, amounts are decimal strings, dates ISO 8601, "
                "times RFC 3339 in UTC. A 403 or 404 without application/problem+json is taken for a proxy's. A JSON "
                "answer is at most 2 MiB, decompressed. docs/portal.md tells how to connect a portal."
            ),
        },
        "security": [{"bearer": []}],
        "paths": _paths(),
        "webhooks": signed_requests(),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "signature": SIGNATURE,
            },
            "schemas": _schemas(),
            "responses": _problems(),
        },
    }


def _paths() -> Json:
    return {
        "/v1/contacts/search": {
            "post": _call(
                "searchContacts",
                "The contacts with exactly this address, whatever its case; none where nobody has it. An email is "
                "never in a URL.",
                _items("Contact"),
                body={
                    "type": "object",
                    "required": ["email"],
                    "properties": {"email": {"type": "string"}},
                },
            )
        },
        "/v1/contacts/{contact_id}": {
            "get": _call(
                "readContact", "One contact, with the accounts they may see now.", _ref("Contact"), [_id("contact_id")]
            )
        },
        f"{_PARTS}/orders": {
            "get": _call("listOrders", "The account's orders, newest first.", _page("Order"), [*_reader(), *_listed()])
        },
        f"{_PARTS}/orders/{{number}}": {
            "get": _call("readOrder", "One order.", _ref("Order"), [*_reader(), _id("number"), _language()])
        },
        f"{_PARTS}/invoices": {
            "get": _call(
                "listInvoices",
                "The account's invoices, newest first. `unpaid` is a balance over 0; `from` and `to` are inclusive.",
                _page("Invoice"),
                [
                    *_reader(),
                    *_listed(),
                    _asked("order", {"type": "string"}),
                    _asked("status", {"enum": ["paid", "unpaid"]}),
                    _asked("from", {"type": "string", "format": "date"}),
                    _asked("to", {"type": "string", "format": "date"}),
                ],
            )
        },
        f"{_PARTS}/invoices/summary": {
            "get": _call(
                "summariseInvoices",
                "What is open, one item a currency. A portal without it answers 404 as for an unknown number.",
                _items("InvoiceSummary"),
                [*_reader(), _language()],
            )
        },
        f"{_PARTS}/invoices/{{number}}": {
            "get": _call("readInvoice", "One invoice.", _ref("Invoice"), [*_reader(), _id("number"), _language()])
        },
        f"{_PARTS}/invoices/{{number}}/pdf": {"get": _pdf()},
        "/v1/links": {
            "get": _call(
                "listLinks",
                "The portal's own menu, in its order. Known keys: login, forgot_password, learn_more, app, guide_fr, "
                "guide_en; others are shown as they come.",
                _items("MenuLink"),
                [_language()],
            )
        },
        "/v1/events": {
            "get": _call(
                "listEvents",
                "What happened after a cursor. Without one nothing, and the cursor of now. 410 when the cursor is too "
                f"old. Types: {', '.join(EventType)}; unknown ones are skipped.",
                _ref("EventPage"),
                [
                    _asked("after", {"type": "string"}),
                    _asked("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
                ],
                more=("410",),
            )
        },
    }


def _call(
    name: str,
    words: str,
    answer: Json,
    parameters: list[Json] | None = None,
    body: Json | None = None,
    *,
    more: tuple[str, ...] = (),
) -> Json:
    call: Json = {"operationId": name, "summary": words}
    if parameters:
        call["parameters"] = parameters
    if body:
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    answered = {"200": {"description": "What was asked for.", "content": {"application/json": {"schema": answer}}}}
    call["responses"] = answered | _refused(parameters or [], more)
    return call


def _pdf() -> Json:
    tag = {"ETag": {"description": "Changes exactly when the PDF does.", "schema": {"type": "string"}}}
    content = {"application/pdf": {"schema": {"type": "string", "contentEncoding": "binary"}}}
    known = {"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}
    parameters = [*_reader(), _id("number"), _language(), known]
    return {
        "operationId": "readInvoicePdf",
        "summary": "The invoice's PDF. 304, or 200 with the same ETag, where it is unchanged; 409 while it is made.",
        "parameters": parameters,
        "responses": {
            "200": {"description": "The PDF.", "headers": tag, "content": content},
            "304": {"description": "It still is the one with that ETag."},
        }
        | _refused(parameters, ("409",)),
    }


def _refused(parameters: list[Json], more: tuple[str, ...]) -> Json:
    codes = {"401", "422", "429", *more}
    names = {parameter["name"] for parameter in parameters}
    codes |= {"404"} if "contact_id" in names else set()
    codes |= {"403"} if "account_id" in names else set()
    refused = {code: {"$ref": f"#/components/responses/{_PROBLEMS[code][0]}"} for code in sorted(codes)}
    return refused | {"5XX": {"$ref": "#/components/responses/Failed"}}


_PROBLEMS = {
    "401": ("Unauthorised", "The bearer token is not valid."),
    "403": ("Forbidden", "The account is this contact's, this part of it is not."),
    "404": ("NotFound", "There is no such thing, or it is not this contact's."),
    "409": ("NotReady", "The PDF is still being made."),
    "410": ("CursorTooOld", "The feed does not reach back so far."),
    "422": ("Invalid", "The request is not what this document says."),
    "429": ("TooMany", "Too many requests."),
    "5XX": ("Failed", "The portal failed; the next attempt may work."),
}
_WITH_RETRY = ("409", "429")


def _problems() -> Json:
    content = {"application/problem+json": {"schema": _ref("Problem")}}
    retry = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}}
    return {
        name: {"description": words} | ({"headers": retry} if code in _WITH_RETRY else {}) | {"content": content}
        for code, (name, words) in _PROBLEMS.items()
    }


def _schemas() -> Json:
    models: list[type[BaseModel]] = [
        Contact,
        Order,
        Invoice,
        InvoiceSummary,
        MenuLink,
        Event,
        EventPage,
        Page[Order],
        Page[Invoice],
    ]
    _, made = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Schema, ref_template=_REF
    )
    schemas: Json = made["$defs"]
    # Not money: a quantity travels as a number.
    quantity = schemas["OrderLine"]["properties"]["quantity"]
    quantity["anyOf"] = [
        {"type": "number"} if choice.get("type") == "string" else choice for choice in quantity["anyOf"]
    ]
    schemas["Problem"] = {
        "description": "RFC 9457.",
        "type": "object",
        "required": ["title", "status"],
        "properties": {
            "type": {"type": "string", "default": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    schemas["Account"]["properties"]["access"]["default"] = ["orders", "invoices"]  # a set has no order
    return {_named(name): _untitled(schemas[name]) for name in sorted(schemas)}


def _named(name: str) -> str:
    """``Page_Order_`` reads better as ``PageOfOrder``."""
    return f"PageOf{name[5:-1]}" if name.startswith("Page_") else name


def _untitled(schema: Json) -> Json:
    """Without the title that only repeats the model's name."""
    return {key: value for key, value in schema.items() if key != "title"}


def _ref(model: str) -> Json:
    return {"$ref": _REF.format(model=model)}


def _page(model: str) -> Json:
    return _ref(f"PageOf{model}")


def _items(model: str) -> Json:
    items = {"type": "array", "items": _ref(model)}
    return {"type": "object", "required": ["items"], "properties": {"items": items}}


def _id(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _reader() -> list[Json]:
    return [_id("contact_id"), _id("account_id")]


def _asked(name: str, schema: Json, words: str = "") -> Json:
    described = {"description": words} if words else {}
    return {"name": name, "in": "query", "required": False} | described | {"schema": schema}


def _listed() -> list[Json]:
    return [
        _asked("query", {"type": "string"}),
        _asked(
            "number",
            {"type": "string"},
            "Only what has exactly this number; `query` beside it is ignored. So are asked for numbers that a proxy "
            "might read as a path.",
        ),
        _asked("page", {"type": "integer", "minimum": 1, "maximum": MOST_COUNT, "default": 1}),
        _asked("page_size", {"type": "integer", "minimum": 1, "maximum": 100, "default": 10}),
        _language(),
    ]


def _language() -> Json:
    return _asked("language", {"enum": ["fr", "en"]})
