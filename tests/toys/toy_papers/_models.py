"""A model beside the paper's module."""

from __future__ import annotations

from dataclasses import dataclass

from ._helper import offset


@dataclass
class Shifted:
    """The mean, off by what the helper says."""

    def guess(self, values, context):
        return sum(values) / len(values) + offset()
