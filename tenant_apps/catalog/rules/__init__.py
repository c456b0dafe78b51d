"""What the catalogue decides without a database: queries, search documents, copy states, matching of
records.
"""
