"""Links chats to accounts: codes, their limits and their delivery."""
