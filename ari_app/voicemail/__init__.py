"""Mailboxes of extensions: what was left there, the light on the phone, mails to the owner."""
