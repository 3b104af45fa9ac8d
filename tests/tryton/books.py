"""Posts and pays invoices in Tryton over HTTP, as the company's staff does."""

import base64
import json
from typing import Any

import httpx

from tests.tryton.server import DATABASE, Tryton

_CONTEXT = {"company": 1, "_skip_warnings": True}


class Books:
    """The administrator's actions, by REST, or by the client's RPC where a wizard is needed."""

    def __init__(self, tryton: Tryton) -> None:
        self._tryton = tryton
        context = base64.urlsafe_b64encode(json.dumps(_CONTEXT).encode()).decode()
        headers = {"Authorization": f"bearer {tryton.posting_key}", "X-Tryton-Context": context}
        base_url = f"{tryton.base_url}/{DATABASE}"
        self._http = httpx.AsyncClient(base_url=f"{base_url}/rest", headers=headers, timeout=40, trust_env=False)
        self._rpc = httpx.AsyncClient(base_url=f"{base_url}/rpc/", timeout=40, trust_env=False)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self._rpc.aclose()

    async def issue(self, like_order: str = "27001") -> tuple[str, str]:
        """Repeat an order and post its invoice. Returns the account's id and the invoice's number."""
        [sale] = await self._get("sale.sale", ["number", "=", like_order], "party")
        [copy] = _whole(await self._http.post(f"/model/sale.sale/{sale['id']}/copy", json={}))
        for step in ("quote", "confirm", "process"):
            _whole(await self._http.post(f"/model/sale.sale/{copy}/{step}", json={}, params={"f": "state"}))
        [sold] = await self._get("sale.sale", ["id", "=", copy], "invoices.id", "party")
        invoice = sold["invoices"][0]["id"]
        _whole(await self._http.post(f"/model/account.invoice/{invoice}/post", json={}, params={"f": "state"}))
        [posted] = await self._get("account.invoice", ["id", "=", invoice], "number")
        return str(sale["party"]), str(posted["number"])

    async def pay(self, account_id: str, number: str) -> None:
        """Pay an invoice in full."""
        [found] = await self._get("account.invoice", ["number", "=", number], "party")
        assert str(found["party"]) == account_id
        about = {"active_model": "account.invoice", "active_id": found["id"], "active_ids": [found["id"]]}
        context = _CONTEXT | about
        user, token, *_ = await self._call({}, "common.db.login", "admin", {"password": self._tryton.password})
        session = base64.b64encode(f"admin:{user}:{token}".encode()).decode()
        signed = {"Authorization": f"session {session}"}
        payment = "model.account.invoice.payment.method.search"
        [method] = await self._call(signed, payment, [], 0, None, None, context)
        wizard, first, _ = await self._call(signed, "wizard.account.invoice.pay.create", context)
        form = await self._call(signed, "wizard.account.invoice.pay.execute", wizard, {}, first, context)
        values = {k: v for k, v in form["view"]["defaults"].items() if not k.endswith(".")} | {"payment_method": method}
        await self._call(signed, "wizard.account.invoice.pay.execute", wizard, {"start": values}, "choice", context)

    async def _get(self, model: str, clause: list[Any], *fields: str) -> list[dict[str, Any]]:
        domain = base64.urlsafe_b64encode(json.dumps([clause]).encode()).decode()
        answer = await self._http.get(f"/model/{model}", params=[("d", domain), *(("f", name) for name in fields)])
        rows: list[dict[str, Any]] = _whole(answer)
        return rows

    async def _call(self, headers: dict[str, str], method: str, *params: object) -> Any:
        body = {"id": 1, "method": method, "params": params}
        answer = _whole(await self._rpc.post("", json=body, headers=headers))
        assert "result" in answer, answer
        return answer["result"]


def _whole(response: httpx.Response) -> Any:
    assert response.status_code < 300, (response.request.url.path, response.status_code, response.text[:500])
    return response.json() if response.content else None
