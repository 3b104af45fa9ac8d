"""Outgoing mail: `mailer.Mailer` is the interface, `smtp.SmtpMailer` its implementation."""
