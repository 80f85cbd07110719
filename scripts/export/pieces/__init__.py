# The classes net.py is made of. write.py copies the source of those a network names. Their parameters have the names
# that the program gives them.
