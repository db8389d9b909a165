"""The command line: the second front end. A file for each noun; nothing heavy is imported before it is needed."""
