"""Calendar entries of due dates and order ends: single files, and feeds at private addresses."""
