"""What the database holds of a chat: its summary for the person, every row of it, and its erasure."""

from storage.personal_data.erasure import (
    deletable_messages as deletable_messages,
    delete_chat as delete_chat,
    delete_unlinked as delete_unlinked,
)
from storage.personal_data.rows import rows_of_chat as rows_of_chat
from storage.personal_data.summary import StoredPersonalData as StoredPersonalData, load as load
