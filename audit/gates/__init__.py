"""Release gates: a policy's thresholds, tested on a run's tables at an interval's bound."""
