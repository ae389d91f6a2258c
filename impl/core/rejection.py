"""The two ways in which an event can be wrong.

`Malformed`: it cannot be read as an event, or as whatever it should be. `Rejected`: it can, and
breaks a rule of its room. Both carry a reason for the person who reads a log. Nothing else is
raised for what others sent.
"""


class Malformed(Exception):
    """It cannot be read; the reason names the field."""


class TooLarge(Malformed):
    """It is beyond a size limit of the specification."""


class Rejected(Exception):
    """It breaks an authorisation rule; the reason says which."""
