"""Rows that access only shows."""

from services.access.views import clients, partners, standing

__all__ = ["clients", "partners", "standing"]
