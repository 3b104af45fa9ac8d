"""Notices: each kind, told once to whoever wants it."""

from decimal import Decimal

from tests.scene import Scene


async def test_a_new_invoice_is_told_within_a_second(scene: Scene) -> None:
    camille = await scene.linked(notices=True)
    scene.portal.portal.issue_invoice("a-2001", amount=Decimal("40.19"), number="212381")
    notice = await camille.wait_for_message("212381", new=True, timeout=5)
    assert notice.text.startswith("Nouvelle facture nº\u00a0212381\n\nClient Odotrack")
    assert "40,19\u00a0$" in notice.text
