"""What every Tukiverkko process stands on; knows no domain rule (the microservice chassis pattern)."""

import warnings

# eventlet says at every start that it is in maintenance; we know, and decided (architecture.md section 2)
warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
