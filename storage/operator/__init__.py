"""What the operator's commands read and change: deliveries, customers and figures. The bot itself uses none of it."""
