"""Rows of the directory that are only shown."""

from services.directory.views.lists import countries_of, organisations, services
from services.directory.views.network import network
from services.directory.views.single import organisation, service

__all__ = ["countries_of", "network", "organisation", "organisations", "service", "services"]
