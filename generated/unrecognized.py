"""What a stub raises. Written by `python -m codegen compile`; do not edit."""


class Unrecognized(NotImplementedError):
    """No function of impl.api answers this operation: 404 M_UNRECOGNIZED."""
