"""Does the work of the four stages, each document in a child process that can be killed."""
