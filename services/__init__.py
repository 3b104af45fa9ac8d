"""The application's services, independent of Telegram.

More than a dozen files: those that have no folder of their own are shared by several services.
"""
