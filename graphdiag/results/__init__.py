"""What was found, as plain data: the report, the check report, and the JSON that they are saved as."""
