"""What is stored of a person: why, for how long, who erases it, and how it is protected."""

from services.retention.categories import Category as Category, kept as kept, periods as periods
