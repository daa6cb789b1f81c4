"""What the commands of the stack do and print; data goes to stdout, notes to stderr."""
