# A trained network as Python: the file that `optdnn export RUN --to net.safetensors` writes -> net.py, a torch module
# whose forward reads as the rule's equations. scripts/export.py is its program.
#   description.py  reads that file: weights, and the network as the program describes it
#   equations.py    a rule's equations -> the lines of a forward pass, by Python's own parser
#   rules.py        stem, stages, transitions and head of a rule's network, as text; parts.py its modules and ends
#   models.py       the baselines
#   write.py        puts net.py together from that text and the classes of pieces/ that it names
#   compare.py      net.py beside the program's outputs; onnx.py: net.py -> ONNX
#   pieces/         the classes net.py is made of, which import nothing but torch
