"""The company's customer portal: what it can be asked, and the clients that ask it."""
