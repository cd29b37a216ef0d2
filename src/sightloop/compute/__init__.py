"""Where heavy work runs: in a child process here, on other machines through plug-ins."""
