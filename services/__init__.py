"""The application's services, independent of Telegram."""
