"""Mail: `mailer.Mailer` is the interface for sending, `smtp.SmtpMailer` its implementation; `imap` reads a mailbox."""
