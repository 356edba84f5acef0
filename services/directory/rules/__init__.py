"""The rules of the directory: pure functions over plain rows."""
