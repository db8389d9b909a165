"""The object store a backup goes to: rclone as a tool, what it may be told, and what its errors mean."""
