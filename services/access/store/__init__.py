"""Rows that access decides on."""
