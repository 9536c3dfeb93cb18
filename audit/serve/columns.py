"""The columns that a browser may filter and sort by: names from a client are looked up here.

A name that is not listed is refused, so that no text from a client ever becomes part of an SQL
statement.
"""

from __future__ import annotations

from audit.tables.schema import FLAGS

__all__ = ["EXACT", "HEADINGS", "MEASURES", "OF_CASES", "ORDERS", "SORTS"]

#: Figures that a range filters, with the words they go by on the page.
MEASURES = {
    "true_relevance_mass_accuracy": "Heat on object, label",
    "pred_relevance_mass_accuracy": "Heat on object, prediction",
    "true_mass_lift": "Lift, label",
    "pred_mass_lift": "Lift, prediction",
    "true_probability": "Probability of the label",
    "pred_probability": "Probability of the prediction",
    "loss": "Loss (nat)",
    "entropy": "Entropy (nat)",
    "region_area_fraction": "Area of the region",
    "cam_agreement": "Agreement of the two maps",
    "severity": "Severity",
}
#: The columns that lie in ``cases``; the others lie in ``images``.
OF_CASES = frozenset({"severity", *FLAGS})
#: Columns that are filtered by one value.
EXACT = {"true_label": "label", "pred_label": "pred", "status": "status", "region_source": "region"}
#: Columns that rows are sorted by; every order ends with the index, so that it is total.
SORTS = ("index", "path", "true_label", "pred_label", "correct", *MEASURES)
ORDERS = ("asc", "desc")
#: Words of the sort menu, for the columns that are no figures.
HEADINGS = {
    "index": "Position in the dataset",
    "path": "Path",
    "true_label": "Label",
    "pred_label": "Prediction",
    "correct": "Right or wrong",
} | MEASURES
