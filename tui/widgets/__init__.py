"""What screens are made of: drawings shown, chosen from, and given colours."""
