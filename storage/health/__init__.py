"""What a failure of the database means, and whether the database can be written to."""
