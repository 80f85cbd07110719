# Certificates, results and networks of the program optdnn in Python:
#   optdnn.certify("x[k+1] = x[k] + T(x[k])")["convergent"]     a rule's certificate, as optdnn certify --json prints it
#   optdnn.runs("runs")                                         a pandas DataFrame, a line per run
#   optdnn.load("runs/demo/apg2/seed-0")                        the trained network as a torch module
# The program is the one that $OPTDNN names, else optdnn on the PATH, else the one built in this
# source tree or installed beside this package.
"""Certificates, results and trained networks of optdnn."""
from optdnn.folders import runs
from optdnn.program import Failed, certify, load, program

__all__ = ["Failed", "certify", "load", "program", "runs"]
