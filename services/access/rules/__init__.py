"""The rules of access: pure functions over plain values."""
