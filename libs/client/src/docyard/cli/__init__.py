"""The command line: data on stdout, words and progress on stderr, exit codes that mean something.

Only this package's thin outside is imported at start; a command imports what it uses.
"""
