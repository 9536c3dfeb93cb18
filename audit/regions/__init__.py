"""Where the evidence should lie: boxes and masks as geometry."""
