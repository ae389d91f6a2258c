"""Dialogues of two people with matrix-nio, a module for each subject: `talk(alice, bob)`."""
