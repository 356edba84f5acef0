"""Rows that a decision needs: the leg under its lock, the two parties' rows, the copies of the directory."""
