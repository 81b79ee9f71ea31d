"""The report as a document of sections, tables and charts: what every writer of pages and sheets lays out."""
