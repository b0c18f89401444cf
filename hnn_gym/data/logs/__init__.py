"""Logs of machines as datasets: tables of numbers with a column of time stamps."""
