"""Drawn scenes of several objects: the built-in ``decoy-vqa`` and ``decoy-captions``.

Objects differ in shape, colour and pattern; no two of a scene have the same shape or colour, so a
shape or a colour names one object. In ``decoy-vqa`` a language bias is planted: in the biased
splits the pattern follows from the shape, so that it can be told without looking at the picture.
"""

from audit.data.scenes.questions import Question, ask, caption_of
from audit.data.scenes.scene import Scene, render_scene
from audit.data.scenes.spec import CaptionsSpec, ScenesSpec, VqaSpec
from audit.data.scenes.store import prepare_captions, prepare_vqa

__all__ = [
    "CaptionsSpec",
    "Question",
    "Scene",
    "ScenesSpec",
    "VqaSpec",
    "ask",
    "caption_of",
    "prepare_captions",
    "prepare_vqa",
    "render_scene",
]
