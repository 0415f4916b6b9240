"""envrl: language models write programs, envrl plays them, confined, on seeded episodes, and trains on what happened."""
