"""A project's samples: taken in, checked, put on a side of the split, asked about, versioned."""
