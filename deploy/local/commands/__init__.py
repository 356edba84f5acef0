"""The commands of `tukiverkko`, a file per kind of task."""
