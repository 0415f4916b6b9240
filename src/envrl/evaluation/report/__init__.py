"""Reports: one plain record of a run, rendered as HTML, Markdown and for the terminal. Nothing is measured here."""
