"""Charts for print, as SVG: vectors, labels on the marks, a palette that colour-blind people and printers bear."""
