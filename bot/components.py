"""The components of a process, as ``bot.app`` puts them together."""

from msgspec import Struct
from starlette.applications import Starlette

from bot.alerts.watch import AlertWatch
from bot.database_check import DatabaseCheck
from bot.http.admin.readiness import Readiness
from bot.http.webhook import TelegramWebhook
from bot.supervisor import Supervisor
from bot.updates.handling import OdobotApplication
from bot.updates.ordering import PerChatOrder
from bot.updates.polling import Polling
from bot.worker import Worker
from mail.mailer import Mailer
from portal.client import Portal
from storage.database import Database


class Components(Struct, frozen=True):
    """The components that ``build`` made. Of ``webhook`` and ``polling`` one is None."""

    application: OdobotApplication
    database: Database
    portal: Portal
    mailer: Mailer
    worker: Worker
    webhook: TelegramWebhook | None
    polling: Polling | None
    supervisor: Supervisor
    database_check: DatabaseCheck
    readiness: Readiness
    public_app: Starlette
    admin_app: Starlette
    alerts: AlertWatch | None
    """None without an operator's chat."""

    def unfinished(self) -> dict[str, int]:
        """Return the number of updates and of notices in progress."""
        order = self.application.update_processor
        updates = order.in_progress if isinstance(order, PerChatOrder) else 0
        return {"updates": updates, "notices": self.worker.in_progress}
