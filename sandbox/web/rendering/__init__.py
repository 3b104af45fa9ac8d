"""The page's templates, words, and messages as HTML."""
