"""Understands questions in words, in both languages: ``reading.read_question`` is the way in.

A grammar of local rules. ``sentences`` splits a text into tokens and corrects typing errors; ``amounts``, ``periods``,
``nouns`` find amounts, dates and numbers; the templates of ``texts/*/questions.toml`` find what is asked; ``reading``
decides. Import it where a question is read, not at start: with its catalogue it takes a tenth of a second of CPU.
"""
