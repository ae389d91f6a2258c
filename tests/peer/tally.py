"""What was compared, and what was different, counted for the summary."""

from collections import Counter


class Tally:
    def __init__(self) -> None:
        self.compared: Counter[str] = Counter()
        self.different: Counter[str] = Counter()

    def lines(self) -> list[str]:
        compared = [f"{number:>9} {what} compared" for what, number in self.compared.items()]
        different = [f"{number:>9} {what}" for what, number in self.different.items()]
        return compared + different


TALLY = Tally()
