"""One self-contained HTML page: the answer, the findings, and both graphs as interactive pictures."""
