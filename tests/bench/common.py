"""What all parts of the bench share."""

import time


class Failed(Exception):
    pass


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(0.01)


class Table:
    def __init__(self, two):
        self.two = two
        print(f"\n{'':44}{'pillarbox':>12}"
              + (f"{'reference':>12}{'ratio':>9}" if two else "") + "  target")

    def row(self, what, ours, theirs=None, unit="", less=False, target=""):
        line = f"{what + (f' ({unit})' if unit else ''):44}{self.number(ours):>12}"
        if self.two:
            ratio = ""
            if theirs and ours:
                ratio = f"{(theirs / ours if less else ours / theirs):.1f}x"
            line += f"{self.number(theirs):>12}{ratio:>9}"
        print(f"{line}  {target}".rstrip(), flush=True)

    @staticmethod
    def number(x):
        if x is None:
            return "-"
        return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"
