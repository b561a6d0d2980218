#!/usr/bin/env python3
"""Writes a run's event file with TensorBoard's own messages and record writer.

usage: make.py     (needs tensorboard; writes events.tfevents beside itself)
"""
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

path = pathlib.Path(__file__).parent / "events.tfevents"
with open(path, "wb") as file:
    writer = RecordWriter(file)

    def write(**fields):
        writer.write(event_pb2.Event(**fields).SerializeToString())

    write(wall_time=1700000000, file_version="brain.Event:2")
    text = "| setting | value |\n|---|---|\n| adapter.rank | `8` |\n| federation.strategy | `fedavg` |"
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=tensor_shape_pb2.TensorShapeProto(), string_val=[text.encode()])
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"),
        data_class=summary_pb2.DATA_CLASS_TENSOR)
    write(wall_time=1700000000, summary=summary_pb2.Summary(
        value=[summary_pb2.Summary.Value(tag="settings", tensor=tensor, metadata=metadata)]))
    for step, at, tag, value in [
        (0, 1700000000, "loss/held-out", 5.25), (1, 1700000060, "loss/training", 3.1), (300, 1700000120, "bytes/uplink", 7.4e6),
    ]:
        write(wall_time=at, step=step, summary=summary_pb2.Summary(
            value=[summary_pb2.Summary.Value(tag=tag, simple_value=value)]))
    writer.flush()
