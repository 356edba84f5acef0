"""Rows of the directory that are only shown."""

from services.directory.views.lists import organisations
from services.directory.views.network import network
from services.directory.views.single import organisation

__all__ = ["network", "organisation", "organisations"]
