"""What one owner may upload: the limits that hold, and the one place where every way in asks."""
