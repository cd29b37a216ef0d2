"""When a run begins by itself: the triggers, and the budget that they spend."""
