"""The panes of the page: chat, mailbox, portal back office and faults."""
