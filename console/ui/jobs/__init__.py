"""Jobs on the screen: the rows, the nodes of one, its sheet, its plan."""
