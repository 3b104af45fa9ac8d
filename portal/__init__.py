"""The company's customer portal: its interface, its data models and errors, and the clients that implement it."""
