"""The client without `await`."""
