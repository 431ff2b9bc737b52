"""The HTTP side: pages, discovery, health, TLS and users; collects nothing itself."""
