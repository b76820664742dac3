"""Tasks of one's own: rows made from a repository's history, and from releases of packages."""
