"""What every Tukiverkko process stands on; knows no domain rule (the microservice chassis pattern)."""
