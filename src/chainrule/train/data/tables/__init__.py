"""Tables as text: read, understood column by column, and made ready to train on."""
