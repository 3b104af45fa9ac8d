"""The portal's API over HTTP: endpoints, authentication, faults and problem documents."""
