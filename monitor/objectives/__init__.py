"""Service quality: how far agreements' objectives are kept, how services answer, how fresh their data is."""
