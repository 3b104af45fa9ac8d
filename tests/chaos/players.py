"""Plays the steps of a plan: people, the company behind the portal, faults, kills and stops, the clock."""

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from sandbox.portal.records.journal import UnknownRow
from sandbox.telegram.errors import SandboxMisuse
from storage.tables import Kind
from tests.chaos.faults import play_fault
from tests.chaos.plan import Step
from tests.chaos.recorded import Recorder
from tests.chaos.setup.stage import Customer, Stage

_COMMANDS = {"fr": ("/factures", "/commandes", "/aide"), "en": ("/invoices", "/orders", "/help")}
_TAPPED = ("Factures", "Commandes", "Invoices", "Orders", "Accueil", "Home", "Suivant", "Next", "nº", "no.", "PDF")
"""Buttons that change neither links nor subscriptions, and repeat no search."""
DRAIN_SECONDS = 10.0
"""How long the program may finish what it does after SIGTERM."""
CLOSE_SECONDS = 30.0
"""How long faults may take to end after their time: a server that restarts on a busy machine."""


class Players:
    """Plays the steps on a stage, and records them."""

    def __init__(self, stage: Stage, recorder: Recorder) -> None:
        self._stage = stage
        self._recorder = recorder
        self._tasks: set[asyncio.Task[None]] = set()
        self._process = asyncio.Lock()
        self._database = asyncio.Lock()
        self._telegram_server = asyncio.Lock()
        self._portal_server = asyncio.Lock()
        self._mail = asyncio.Lock()
        self._unpaid: list[tuple[str, str]] = []
        self._orders: list[tuple[str, str]] = []

    async def play(self, plan: Sequence[Step]) -> None:
        """Play all steps at their times; return when the last one has ended."""
        began = time.monotonic()
        for step in plan:
            await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
            task = asyncio.create_task(self._play(step))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        async with asyncio.timeout(CLOSE_SECONDS + max((step.seconds for step in plan), default=0.0)):
            await asyncio.gather(*self._tasks)

    async def _play(self, step: Step) -> None:
        actor, _, what = step.what.partition(".")
        match actor:
            case "person":
                self._act(step, what, self._stage.customers[step.who])
            case "portal":
                async with self._portal_server:
                    self._do_business(step, what, self._stage.customers[step.who])
            case "fault":
                await self._fail(step, what)
            case "process":
                await self._end_process(step, what)
            case "clock":
                offset = float(str(step.options["offset"]))
                before = self._stage.clock.offset
                self._stage.clock.step(offset)
                self._recorder.happened("clock", time.time(), f"from {before:+.0f} s to {offset:+.0f} s")
            case _:
                raise AssertionError(step)

    def _act(self, step: Step, what: str, customer: Customer) -> None:
        if what == "types":
            for number in step.options["numbers"]:  # type: ignore[attr-defined]
                self._recorder.typed(customer, str(number))
                customer.person.say(str(number))
        elif what == "command":
            customer.person.say(random.choice(_COMMANDS[customer.language]))
        else:
            buttons = [
                (message, label)
                for message in customer.person.chat().visible[-5:]
                for label in message.labels
                if any(each in label for each in _TAPPED)
            ]
            if buttons:
                message, label = buttons[int(str(step.options["choice"])) % len(buttons)]
                try:
                    customer.person.tap(label, message=message)
                except SandboxMisuse:  # the button opens a page
                    return

    def _do_business(self, step: Step, what: str, customer: Customer) -> None:
        """Record each event before it is reported: its notice may come at once."""
        portal, account = self._stage.portal.portal, customer.account_id
        number = str(step.options.get("number", ""))
        concerned = [each for each in self._stage.customers if each.account_id == account]
        match what:
            case "invoice":
                self._recorder.reported(Kind.INVOICE_ISSUED, number, concerned)
                portal.issue_invoice(account, amount="40.19", number=number)
                self._unpaid.append((account, number))
            case "order":
                self._recorder.reported(Kind.ORDER_CREATED, number, concerned)
                portal.create_order(account, [(1, "Plan Pro")], number=number)
                self._orders.append((account, number))
            case "pay" if self._unpaid:
                account, number = self._unpaid.pop(0)
                concerned = [each for each in self._stage.customers if each.account_id == account]
                self._recorder.reported(Kind.INVOICE_PAID, number, concerned)
                portal.mark_paid(account, number)
            case "ending" if self._orders:
                account, number = self._orders.pop(0)
                concerned = [each for each in self._stage.customers if each.account_id == account]
                self._recorder.reported(Kind.ORDER_ENDING, number, concerned)
                portal.end_order_soon(account, number)
            case "remove":
                try:
                    self._recorder.lost_link(customer)
                    portal.people.remove_contact(customer.contact_id)
                except UnknownRow:
                    raise AssertionError(step) from None

    async def _fail(self, step: Step, what: str) -> None:
        options: dict[str, Any] = dict(step.options)
        if options.pop("one_chat", False):
            options["chat_id"] = self._stage.customers[step.who].chat_id
        locks = {"database": self._database, "mail": self._mail}
        servers = {"telegram.refused": self._telegram_server, "portal.refused": self._portal_server}
        lock = locks.get(what.partition(".")[0]) or servers.get(what) or asyncio.Lock()
        async with lock:
            began = time.time()
            await play_fault(self._stage, what, step.seconds, options)
            self._recorder.happened(what, began, " ".join(f"{name}={value}" for name, value in options.items()))

    async def _end_process(self, step: Step, what: str) -> None:
        async with self._process:
            program, began = self._stage.program, time.time()
            if what == "kill":
                await program.kill()
                self._recorder.happened("kill", began)
                again = float(str(step.options.get("again", 0)))
                if again:
                    await program.start()
                    await asyncio.sleep(again)
                    began = time.time()
                    await program.kill()
                    self._recorder.happened("kill", began, f"{again:.1f} s after its start")
            else:
                cut = float(str(step.options.get("cut", 0)))
                took = await program.stop(cut or 30.0)
                # A stop that is cut short, also by its own time limit, leaves things half done, as a kill does.
                is_cut = took >= (cut or DRAIN_SECONDS - 0.5)
                self._recorder.happened("kill" if is_cut else "stop", began, f"SIGTERM, it took {took:.1f} s")
            await asyncio.sleep(step.seconds)
            await program.start()
