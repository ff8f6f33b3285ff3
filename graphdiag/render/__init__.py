"""Results as text, pages, pictures and files: one module for each kind of result and format."""
