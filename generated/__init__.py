"""Written by `python -m codegen compile`; do not edit."""
