"""Tests of Tukiverkko."""
