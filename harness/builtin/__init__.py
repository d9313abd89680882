"""The plugins that come with the harness. They use the hooks that any plugin may use, and nothing else knows of them."""
