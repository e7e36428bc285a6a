"""What lies on disk, read and written safely: documents, tables, pickles."""
