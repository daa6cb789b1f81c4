"""A guided tour through a running stack, told by the commands a person would type."""
