"""The quickstart: record a real environment, learn it with and without physics, and write a report that compares."""
