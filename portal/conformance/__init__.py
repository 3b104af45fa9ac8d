"""The conformance check of a portal: the contract's promises as checks, and its OpenAPI document."""
