"""The report's Jinja templates, styles and scripts; installed as the package audit.templates."""
