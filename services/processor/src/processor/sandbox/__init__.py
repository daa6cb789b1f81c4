"""A warm, killable child process for the work on one document."""
