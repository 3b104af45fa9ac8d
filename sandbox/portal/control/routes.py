"""The control API: tests and the demo change the portal through it. It needs no token; never expose it."""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute

from sandbox.portal.clock import Movable
from sandbox.portal.control import bodies, overview
from sandbox.portal.data.pricing import DraftLine
from sandbox.portal.faults import Fault
from sandbox.portal.http.parameters import Segment, ThePortal
from sandbox.portal.http.problems import Problem

Answer = dict[str, Any]


class _ValueErrorRoute(APIRoute):
    """A route that answers 422 for a ValueError of the portal."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def refusing(request: Request) -> Response:
            try:
                return await handle(request)
            except ValueError as error:
                raise Problem(422, str(error)) from error

        return refusing


router = APIRouter(prefix="/control", include_in_schema=False, route_class=_ValueErrorRoute)


@router.get("/accounts")
async def list_accounts(portal: ThePortal, generated: bool = False, limit: int = 100, offset: int = 0) -> Answer:
    return {"items": overview.accounts(portal, generated, limit, offset)}


@router.post("/accounts", status_code=201)
async def add_account(portal: ThePortal, new: bodies.NewAccount) -> Answer:
    portal.people.add_account(**new.model_dump())
    return {"account_id": new.account_id}


@router.delete("/accounts/{account_id}")
async def close_account(portal: ThePortal, account_id: Segment) -> Answer:
    portal.people.close_account(account_id)
    return {"account_id": account_id}


@router.patch("/accounts/{account_id}")
async def rename_account(portal: ThePortal, account_id: Segment, change: bodies.AccountChange) -> Answer:
    portal.people.rename_account(account_id, **change.model_dump())
    return {"account_id": account_id}


@router.post("/contacts", status_code=201)
async def add_contact(portal: ThePortal, new: bodies.NewContact) -> Answer:
    portal.people.add_contact(**new.model_dump())
    return {"contact_id": new.contact_id}


@router.patch("/contacts/{contact_id}")
async def change_contact(portal: ThePortal, contact_id: Segment, change: bodies.ContactChange) -> Answer:
    portal.people.change_contact(contact_id, **change.model_dump())
    return {"contact_id": contact_id}


@router.delete("/contacts/{contact_id}")
async def remove_contact(portal: ThePortal, contact_id: Segment, account_id: str | None = None) -> Answer:
    portal.people.remove_contact(contact_id, account_id)
    return {"contact_id": contact_id}


@router.post("/invoices", status_code=201)
async def issue_invoice(portal: ThePortal, new: bodies.NewInvoice) -> Answer:
    lines = [DraftLine(line.quantity, line.description, line.amount) for line in new.lines]
    given = new.model_dump(exclude={"lines"})
    return {"number": portal.issue_invoice(**given, lines=lines)}


@router.post("/payments", status_code=201)
async def mark_paid(portal: ThePortal, payment: bodies.Payment) -> Answer:
    portal.mark_paid(**payment.model_dump())
    return {"number": payment.number}


@router.post("/payments/withdrawn", status_code=201)
async def withdraw_payment(portal: ThePortal, withdrawal: bodies.Withdrawal) -> Answer:
    portal.billing.withdraw_payment(**withdrawal.model_dump())
    return {"number": withdrawal.number}


@router.post("/invoices/cancelled", status_code=201)
async def cancel_invoice(portal: ThePortal, cancellation: bodies.Cancellation) -> Answer:
    portal.billing.cancel_invoice(**cancellation.model_dump())
    return {"number": cancellation.number}


@router.post("/invoices/credited", status_code=201)
async def credit_invoice(portal: ThePortal, credit: bodies.Credit) -> Answer:
    portal.billing.credit_invoice(**credit.model_dump())
    return {"number": credit.number}


@router.post("/invoices/changed", status_code=201)
async def change_invoice(portal: ThePortal, change: bodies.InvoiceChange) -> Answer:
    portal.billing.change_invoice(**change.model_dump())
    return {"number": change.number}


@router.post("/orders/changed", status_code=201)
async def change_order(portal: ThePortal, change: bodies.OrderChange) -> Answer:
    portal.billing.change_order(**change.model_dump())
    return {"number": change.number}


@router.post("/orders", status_code=201)
async def create_order(portal: ThePortal, new: bodies.NewOrder) -> Answer:
    lines = [(line.quantity, line.description) for line in new.lines]
    return {"number": portal.create_order(**new.model_dump(exclude={"lines"}), lines=lines)}


@router.post("/endings", status_code=201)
async def end_order_soon(portal: ThePortal, ending: bodies.Ending) -> Answer:
    portal.end_order_soon(**ending.model_dump())
    return {"number": ending.number}


@router.post("/generated", status_code=201)
async def generate(portal: ThePortal, wanted: bodies.Generation) -> Answer:
    portal.generate(**wanted.model_dump())
    return {"count": wanted.count}


@router.post("/monthly", status_code=201)
async def issue_monthly(portal: ThePortal) -> Answer:
    return {"issued": portal.issue_monthly()}


@router.get("/faults")
async def list_faults(portal: ThePortal) -> Answer:
    return {"items": [asdict(fault) for fault in portal.faults.all()]}


@router.post("/faults", status_code=201)
async def set_fault(portal: ThePortal, new: bodies.NewFault) -> Answer:
    return asdict(portal.faults.set(Fault(**new.model_dump())))


@router.delete("/faults")
async def clear_faults(portal: ThePortal, fault_id: int | None = None) -> Answer:
    portal.faults.clear(fault_id)
    return {}


@router.get("/requests")
async def list_requests(portal: ThePortal, limit: Annotated[int, Query(ge=0)] = 100) -> Answer:
    newest = list(portal.log.entries)[-limit:] if limit else []
    return {
        "total": portal.log.total,
        "counts": dict(portal.log.counts),
        "items": [asdict(entry) for entry in newest],
    }


@router.delete("/requests")
async def clear_requests(portal: ThePortal) -> Answer:
    portal.log.clear()
    return {}


@router.delete("/events")
async def forget_events(portal: ThePortal, keep: Annotated[int, Query(ge=0)] = 0) -> Answer:
    return {"forgotten": portal.forget_events(keep)}


@router.get("/clock")
async def read_clock(portal: ThePortal) -> Answer:
    return {"now": portal.clock.now(), "today": portal.today()}


@router.post("/clock")
async def move_clock(portal: ThePortal, move: bodies.ClockMove) -> Answer:
    """Set, then advance the clock. It reports the endings that became due."""
    if not isinstance(portal.clock, Movable):
        raise Problem(409, "This portal's clock cannot be moved.")
    if move.set_to:
        portal.clock.set(move.set_to)
    portal.clock.advance(timedelta(seconds=move.advance_seconds))
    portal.report_endings()
    return {"now": portal.clock.now(), "today": portal.today()}


@router.get("/webhook")
async def read_webhook(portal: ThePortal) -> Answer:
    sender = portal.webhook
    return {"url": sender.url, "delivered": sender.delivered, "given_up": sender.given_up}


@router.put("/webhook")
async def set_webhook(portal: ThePortal, target: bodies.WebhookTarget) -> Answer:
    portal.webhook.configure(target.url, target.secret)
    return {"url": target.url}


@router.delete("/webhook")
async def unset_webhook(portal: ThePortal) -> Answer:
    portal.webhook.configure(None, None)
    return {}
