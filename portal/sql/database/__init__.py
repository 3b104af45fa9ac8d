"""The connections to the database: its address, a pool that only reads, and what its errors mean."""
