"""What has been measured, by figure, peer, placement and round."""

import collections
import statistics


class Results:
    """Samples, and medians of them. Rounds are paired for ratios: both numbers of a ratio come from
    the same round, so that the drift of a noisy machine cancels."""

    def __init__(self):
        self.samples = []
        self._rounds = collections.defaultdict(dict)

    def add(self, figure, peer, placement, number, values):
        """Keeps one sample of round `number`."""
        self.samples.append(
            {
                "figure": figure,
                "peer": peer,
                "placement": placement,
                "round": number,
                "values": values,
            }
        )
        self._rounds[figure, peer, placement][number] = values

    def has(self, figure, peer, placement):
        """Whether there is any sample of it."""
        return (figure, peer, placement) in self._rounds

    def column(self, figure, peer, placement, value):
        """{round: value} of every round that has it."""
        rounds = self._rounds.get((figure, peer, placement), {})
        return {number: values[value] for number, values in rounds.items() if value in values}

    def median(self, figure, peer, placement, value):
        """The median over the rounds; None if it has not been measured."""
        column = self.column(figure, peer, placement, value)
        return statistics.median(column.values()) if column else None

    def ratio(self, above, below):
        """The median over the rounds of the one value by the other, each given as (figure, peer,
        placement, value); None if they have no round in common."""
        first, second = self.column(*above), self.column(*below)
        ratios = [first[number] / second[number] for number in first if second.get(number)]
        return statistics.median(ratios) if ratios else None

    def spread(self, figure, peer, placement, value):
        """Largest less smallest, by the median; None if it has not been measured."""
        column = list(self.column(figure, peer, placement, value).values())
        middle = statistics.median(column) if column else 0
        return (max(column) - min(column)) / middle if middle else None

    def medians(self):
        """Every value's median, as a list that is easily read by a machine."""
        found = []
        for (figure, peer, placement), rounds in sorted(self._rounds.items()):
            names = sorted({name for values in rounds.values() for name in values})
            found.append(
                {
                    "figure": figure,
                    "peer": peer,
                    "placement": placement,
                    "rounds": len(rounds),
                    "values": {name: self.median(figure, peer, placement, name) for name in names},
                }
            )
        return found

    @classmethod
    def from_samples(cls, samples):
        """As read back from a file."""
        results = cls()
        for sample in samples:
            results.add(
                sample["figure"],
                sample["peer"],
                sample["placement"],
                sample["round"],
                sample["values"],
            )
        return results
