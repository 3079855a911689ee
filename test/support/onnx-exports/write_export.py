"""The line that exports a network of torch, as docs/what-can-i-serve.md shows it."""

import json


def write_export(inputs, outputs, axes):
    """A line for `model` and its `example` inputs; `axes` names the open dimensions of each tensor."""
    opened = ", ".join(
        f'{json.dumps(name)}: {{{", ".join(f"{axis}: {json.dumps(word)}" for axis, word in each.items())}}}'
        for name, each in axes.items()
    )
    return (
        f'torch.onnx.export(model, example, "model.onnx", input_names={json.dumps(inputs)}, '
        f"output_names={json.dumps(outputs)}, dynamic_axes={{{opened}}}, opset_version=17, dynamo=False)"
    )
