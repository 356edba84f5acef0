"""Rows that the directory decides on: what an import compares and writes, and a service under its lock."""
