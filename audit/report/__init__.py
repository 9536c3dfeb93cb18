"""From a finished run folder to a page that opens from the disk; never imports torch."""
