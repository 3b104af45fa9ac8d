"""The sandbox with linked people, the program as a process, its databases, and its clock."""
