"""Folder jobs: the files of a folder on this machine, copied to a bucket and made documents."""
