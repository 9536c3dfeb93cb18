"""Arrow schemas, and the parts they are written in."""
