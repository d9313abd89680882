"""Small papers that claim something of the models of others."""
