"""Models of scikit-learn on landmarks or small pictures."""
