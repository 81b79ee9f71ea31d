"""Which local days are worked: public holidays, weekends, and what the government exchanges between them."""
