"""The vocabulary of claims: what is measured, how it is put together, and what it must be for a claim to hold."""
