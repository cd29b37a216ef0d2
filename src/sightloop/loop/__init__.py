"""The loop: collect, decide when to retrain, freeze, train, check, register, roll out."""
