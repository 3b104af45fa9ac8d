"""How answers and notices become messages of Telegram: rendering, callback data, documents, failures."""
