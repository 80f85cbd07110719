# The report of runs: folders of runs -> tables and figures -> Markdown, HTML, JSON. scripts/report.py is its program.
#   runs.py      what lies in the folders            table.py     rows, columns, what is said beneath them
#   text.py      how numbers are printed             figures.py   the list of figures, and how they become PNGs
#   style.py     colours, grids of panels            curves.py, coefficients.py, pictures.py: a kind of figure each
#   convergence.py  table and figure of a study
#   document.py  blocks -> Markdown or HTML          results.py   every number once more, as JSON
