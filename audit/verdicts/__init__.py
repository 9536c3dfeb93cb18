"""From the rows of ``interventions`` to verdicts on classes and flags of cases; torch-free."""
