# What runs on a rented machine with a GPU (there.py), before (pieces.py) and after (here.py).
