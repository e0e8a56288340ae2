"""The sizes that a painting goes through, and when each has been painted enough."""
