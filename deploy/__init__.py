"""How a Tukiverkko network is put on a machine."""
