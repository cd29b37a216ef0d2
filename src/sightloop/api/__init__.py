"""HTTP: the app, its errors, and a file a noun of routes."""
