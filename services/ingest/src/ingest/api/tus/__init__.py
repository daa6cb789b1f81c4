"""The way in for clients of tus 1.0, the protocol of resumable uploads (tus.io)."""
