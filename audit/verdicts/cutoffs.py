"""Every threshold of the verdicts, in one place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VERDICT_VERSION", "Cutoffs"]

#: Raised whenever a rule or a threshold changes what a verdict says.
VERDICT_VERSION = 2


@dataclass(frozen=True)
class Cutoffs:
    """What evidence has to reach; probabilities and shares, 0 to 1, and counts of images."""

    q: float = 0.05  # false discovery rate over the tested classes
    s1_drop: float = 0.2  # an image's drop beyond the median of its controls
    s1_rate: float = 0.10  # share of a class's tested images on which S1 holds
    mean_d: float = 0.05  # mean of S1's differences
    mean_g: float = 0.02  # mean of S2's differences
    necessity: float = 0.2  # mean of B's differences over the class's own objects
    sufficiency: float = 0.15  # mean of B's differences over others' objects
    b_check: float = 0.5  # swaps within the class that leave the prediction alone
    look_drop: float = 0.2  # mean drop from covering the asked object: less, and it is not needed
    look_blind: float = 0.5  # share of questions with the same answer for another image
    min_images: int = 10  # tested images, or objects, under which a class is not tested
