"""Data before it is stored: recipes and formats that are read, sides that are chosen, faults that are found."""
