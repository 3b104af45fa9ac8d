"""The sandbox in a browser: chat, mailbox, portal, faults and request log on one page."""
