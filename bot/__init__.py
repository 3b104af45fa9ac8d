"""The process: settings, composition root, HTTP endpoints, update order, worker and command line."""
