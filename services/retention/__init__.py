"""What is stored of a person: why, for how long, who erases it, and how it is protected."""

from services.retention.categories import (
    CODE_ADDRESS_KEPT as CODE_ADDRESS_KEPT,
    SENT_PDFS_KEPT as SENT_PDFS_KEPT,
    TOPICS_KEPT as TOPICS_KEPT,
    Category as Category,
    kept as kept,
    periods as periods,
)
