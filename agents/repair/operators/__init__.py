"""Edit operators: each looks at one place and proposes small changes. By short name, for the record of a search."""
