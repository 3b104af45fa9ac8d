"""Packs: the invoices of a selection as PDFs, one PDF, a spreadsheet or a statement; packed in the background.

Libraries that write files are imported when the first pack needs them: the start of the bot would wait for them.
"""
