"""Message texts as Telegram parses, cleans, measures and stores them."""
