"""Everything that is sent to Telegram: rendered messages, callback data, documents, menus, and failures.

More than a dozen files: one for each thing that Telegram is asked, shown or answers, and the codec of its buttons.
"""
