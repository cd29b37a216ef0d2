"""What must survive a restart: rows, a noun a file; blobs by their content; runs and versions in MLflow."""
