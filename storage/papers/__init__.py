"""What is kept about orders and invoices: uploaded PDFs, packs, saved answers, calendar feeds and visits."""
