"""Datasets on the screen: the columns of a row and of a total, and what the sheet below says of one."""
