"""What the node side asks the kernel: text files, the boot, processes. Standard library only, Python 3.9."""
