"""The draft of the notice that an incident owes: what is known filled in, what is missing named."""
