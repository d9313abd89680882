"""The plugins that come with the harness. They use the hooks that any plugin may use; the core does not know them."""
