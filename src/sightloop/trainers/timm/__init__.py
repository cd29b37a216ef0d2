"""Classifiers of photographs by transfer from any timm backbone."""
