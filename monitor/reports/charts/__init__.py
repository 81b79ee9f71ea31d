"""Charts for print, as SVG: vectors, labels on the marks, readable without colour."""
