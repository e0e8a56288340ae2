"""What a batch leaves behind: one summary and one contact sheet."""
