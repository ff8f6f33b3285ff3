"""The formats that CI services read: SARIF, JUnit, GitHub annotations, and Markdown for a pull request."""
