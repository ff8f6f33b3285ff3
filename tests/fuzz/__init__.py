"""A fuzzer: damaged and hostile inputs of every kind, each run through the command line under limits.

``make fuzz`` runs it for as long as you like, the test beside it for a few hundred inputs. An input is made from a
fixture by changing its structure (a node of a protobuf, a value of JSON, a member of an archive, a record of a log) or
its bytes. No input may hang, take much memory, end in a traceback or in more than one line of complaint, leave half a
file behind, or have TensorFlow imported; and JSON that is written must be valid and be read back.
"""
