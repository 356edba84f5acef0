"""Rows that access only shows."""
