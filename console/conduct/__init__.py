"""Jobs that conduct others: a console without a screen, run as a worker."""
