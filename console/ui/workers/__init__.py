"""Workers on the screen: the list, what its rows say, and the dialogs' way to the operations."""
