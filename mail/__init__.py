"""Outgoing mail: `Mailer` is what the rest of Odobot sees, `SmtpMailer` is how it is done."""
