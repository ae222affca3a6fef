"""Sources of rates. Another one is a file here, named as the setting names it, with `open_adapter`."""
