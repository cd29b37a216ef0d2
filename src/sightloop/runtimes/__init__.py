"""From a model package to numbers: the engines that run a graph."""
