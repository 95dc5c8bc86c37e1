"""Spans in: each receiver speaks one protocol and hands OTLP protobuf on."""
