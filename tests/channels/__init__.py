"""What is said to other programs: which addresses may be called, and how."""
