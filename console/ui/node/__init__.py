"""What the Node screen shows of one node: blocks of lines, pure functions of facts."""
