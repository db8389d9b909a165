"""Dialogs: a question, a warning, or more about one thing. Esc always leaves them."""
