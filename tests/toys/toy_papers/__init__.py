"""Small papers for the tests."""
