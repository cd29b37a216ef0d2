"""The nouns of sightloop: frozen, checked when made, no I/O. An illegal one cannot exist, so nobody checks later."""
