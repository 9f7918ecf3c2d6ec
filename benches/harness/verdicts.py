"""Whether a number is what it must be."""

PASS = "PASS"
FAIL = "FAIL"
NOT_MEASURED = "not measured"


class Verdict:
    """One bar for one peer in one placement."""

    def __init__(self, bar, title, placement, peer, limit, found=None, passed=None, note=""):
        self.bar = bar
        self.title = title
        self.placement = placement
        self.peer = peer
        self.limit = limit
        self.found = found  # in the words of the table
        self.note = note
        if passed is None:
            self.verdict = NOT_MEASURED
        else:
            self.verdict = PASS if passed else FAIL

    def as_dict(self):
        """For the machine-readable results."""
        return dict(vars(self))


class Verdicts:
    """The verdicts on results."""

    def __init__(self, results):
        self.results = results
        self.verdicts = []

    def add(self, *words, **values):
        """Keeps one verdict."""
        self.verdicts.append(Verdict(*words, **values))

    def at_most(self, bar, title, placement, peer, limit_text, found, limit, text, note=""):
        """The bar holds if `found` is not above `limit`."""
        if found is None:
            self.add(bar, title, placement, peer, limit_text)
        else:
            self.add(bar, title, placement, peer, limit_text, text % found, found <= limit, note)

    def at_least(self, bar, title, placement, peer, limit_text, found, limit, text, note=""):
        """The bar holds if `found` is not below `limit`."""
        if found is None:
            self.add(bar, title, placement, peer, limit_text)
        else:
            self.add(bar, title, placement, peer, limit_text, text % found, found >= limit, note)
