"""Other forms of spans into OTLP protobuf, the one form that the store takes."""
