"""Pages of circulation: the desk for staff, and a reader's own account."""
