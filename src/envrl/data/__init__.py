"""Data sets and preference pairs in TRL's shapes. Its first inhabitants come with the trainers that read them."""
