"""The built-in decoy dataset: textured objects on photograph-like grounds, with planted shortcuts.

Ten classes differ in outline and surface pattern, never in colour. In some of them most pictures
carry a shortcut (a corner watermark, a small patch, a tinted background) that a classifier can use
instead of the object; the others carry none, so an audit's verdicts can be checked against what is
known. Objects come with exact masks.
"""

from audit.data.decoy.render import Scene, render
from audit.data.decoy.spec import CLASSES, DEFAULT_PLANTS, SPLITS, DecoySpec, Plant
from audit.data.decoy.store import prepare

__all__ = [
    "CLASSES",
    "DEFAULT_PLANTS",
    "SPLITS",
    "DecoySpec",
    "Plant",
    "Scene",
    "prepare",
    "render",
]
