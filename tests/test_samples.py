"""The bundled samples: what they hold, how they load, and that the shipped model makes them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatwidget import samples

FOLDER = Path(samples.__file__).parent
PROMPTS = (
    "deliberation",
    "Your responses demonstrate",
    "Methodical reasoning",
    "breaking complex problems into clear steps",
    "Mathematical and",
)
SHAPES = {
    "residuals-by-token": {"iteration": 65, "token": 116},
    "residuals-by-prompt": {"iteration": 65, "prompt": 5},
    "core-activations": {"iteration": 64, "layer": 4, "token": 42},
    "smollm2-activations": {"layer": 30, "token": 53},
}


def read(name: str) -> dict[str, Any]:
    """The entries of a sample's file, read by numpy alone."""
    with np.load(samples.path(name), allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def attrs(name: str) -> dict[str, Any]:
    """The attributes of a sample."""
    return json.loads(read(name)["attrs"].item())


def test_names_are_the_files_there_are():
    on_disk = {path.stem for path in FOLDER.glob("*.npz")} - {"recurrent_weights"}
    assert set(samples.names()) == on_disk == set(SHAPES)


def test_all_files_together_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.npz")) < 2_000_000
    assert (FOLDER / "recurrent_weights.npz").stat().st_size < 1_200_000


@pytest.mark.parametrize("name", samples.names())
def test_axes_have_names_and_labels(name):
    entries = read(name)
    assert dict(zip(entries["dims"].tolist(), entries["values"].shape, strict=True)) == SHAPES[name]
    for dim, size in SHAPES[name].items():
        labels = entries[f"coord.{dim}"]
        assert labels.shape == (size,)
        assert labels.dtype.kind == ("i" if dim in {"iteration", "layer"} else "U")


@pytest.mark.parametrize("name", samples.names())
def test_values_are_finite_float32_and_not_negative(name):
    values = read(name)["values"]
    assert values.dtype == np.float32
    assert np.isfinite(values).all()
    assert (values >= 0).all()


@pytest.mark.parametrize("name", samples.names())
def test_attrs_say_where_it_came_from(name):
    found = attrs(name)
    assert {"quantity", "origin", "seed", "model"} <= found.keys()
    assert len(found["quantity"]) < 60
    assert "scripts/capture_" in found["origin"]


def test_every_token_knows_its_prompt():
    entries = read("residuals-by-token")
    assert "".join(entries["coord.token"]) == "".join(PROMPTS)
    assert entries["coord.prompt"].tolist() == [p for p in PROMPTS for _ in p]


def test_iterations_count_from_the_initial_state():
    assert read("residuals-by-token")["coord.iteration"].tolist() == list(range(65))
    assert read("core-activations")["coord.iteration"].tolist() == list(range(1, 65))


def test_prompts_are_means_of_their_tokens():
    tokens, by_prompt = read("residuals-by-token"), read("residuals-by-prompt")
    for column, prompt in enumerate(PROMPTS):
        mine = tokens["values"][:, tokens["coord.prompt"] == prompt]
        np.testing.assert_allclose(by_prompt["values"][:, column], mine.mean(axis=1), rtol=1e-5)


def test_residuals_shrink_and_the_last_column_is_not_zero_by_construction():
    values = read("residuals-by-prompt")["values"]
    assert (values[-1] < 1e-2 * values[0]).all()
    assert (values[-1] > 0).any()


def test_zeros_are_counted_in_the_attrs():
    for name in ("residuals-by-token", "residuals-by-prompt"):
        assert attrs(name)["exact_zeros"] == int((read(name)["values"] == 0).sum())


def test_smollm2_answers_right():
    tokens = "".join(read("smollm2-activations")["coord.token"])
    assert tokens.endswith("8 + 5 = 13")
    found = attrs("smollm2-activations")
    assert tokens == found["prompt"] + found["answer"]


def test_smollm2_predicts_the_answer_that_it_gave():
    entries = read("smollm2-activations")
    n_answer = len(attrs("smollm2-activations")["answer"])
    tokens, predictions = entries["coord.token"], entries["coord.prediction"]
    assert tokens[-n_answer:].tolist() == predictions[-n_answer - 1 : -1].tolist()


@pytest.mark.parametrize("name", ["core-activations", "smollm2-activations"])
def test_activations_are_probabilities(name):
    entries = read(name)
    assert entries["values"].max() <= 1
    assert entries["coord.prediction"].shape == entries["coord.token"].shape


@pytest.mark.parametrize("name", samples.names())
def test_load_gives_a_labelled_array(name):
    array = samples.load(name)
    assert dict(zip(array.dims, array.shape, strict=True)) == SHAPES[name]
    assert array.attrs["quantity"] == attrs(name)["quantity"]


def test_unknown_name_is_told_the_nearest():
    with pytest.raises(ValueError, match=r"residuals-by-prompt.*Did you mean 'residuals-by-token'"):
        samples.path("residual-by-tokens")


def test_a_name_like_no_other_gets_the_list():
    with pytest.raises(ValueError, match="core-activations") as error:
        samples.path("???")
    assert "Did you mean" not in str(error.value)


@pytest.mark.parametrize("wrong", [None, 3, b"core-activations"])
def test_a_name_must_be_a_string(wrong):
    with pytest.raises(TypeError, match="name must be a string"):
        samples.path(wrong)


def test_importing_samples_imports_no_torch():
    code = "import sys, heatwidget.samples as s; s.names(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("torch")
    from heatwidget.samples.recurrent import load_model

    return load_model()


def run(model, prompt, n_iterations):
    """States of the shipped model through ``ln_f``, by the interface that captures use."""
    import torch

    from heatwidget.samples.recurrent import encode

    torch.manual_seed(attrs("residuals-by-token")["seed"])
    with torch.no_grad():
        input_embeds, block_idx = model.embed_inputs(encode(prompt))
        state, step = model.initialize_state(input_embeds), 0
        states = [model.transformer.ln_f(state)[0]]
        while step < n_iterations:
            state, block_idx, step = model.iterate_one_step(
                input_embeds, state, block_idx=block_idx, current_step=step
            )
            states.append(model.transformer.ln_f(state)[0])
    return torch.stack(states)


def test_shipped_weights_reproduce_the_residuals(model):
    entries, prompt = read("residuals-by-token"), "deliberation"
    states = run(model, prompt, attrs("residuals-by-token")["reference_iterations"])
    found = (states[:65] - states[-1]).norm(dim=-1).numpy()
    expected = entries["values"][:, entries["coord.prompt"] == prompt]
    # Rounding differs between machines: it shows in the residuals that are rounding themselves.
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-3)


def test_shipped_weights_reproduce_the_activations(model):
    import torch

    from heatwidget.samples.recurrent import encode

    entries, prompt = read("core-activations"), attrs("core-activations")["prompt"]
    predicted = encode("".join(entries["coord.prediction"]))[0]
    torch.manual_seed(attrs("core-activations")["seed"])
    with torch.no_grad():
        logits = model(encode(prompt), num_steps=64).logits[0]
    found = logits.softmax(dim=-1)[range(len(predicted)), predicted].numpy()
    # The last layer of the last iteration is what the model itself says.
    np.testing.assert_allclose(found, entries["values"][-1, -1], atol=1e-3)


def test_forward_ends_where_the_iterations_end(model):
    import torch

    from heatwidget.samples.recurrent import encode

    states = run(model, "deliberation", 8)
    torch.manual_seed(attrs("residuals-by-token")["seed"])
    with torch.no_grad():
        output = model(encode("deliberation"), num_steps=8)
    np.testing.assert_allclose(output.latent_states[0].numpy(), states[-1].numpy(), atol=1e-5)
    assert output.logits.shape == (1, 12, 256)


def test_a_later_byte_does_not_change_an_earlier_state(model):
    import torch

    from heatwidget.samples.recurrent import encode

    zeros = torch.zeros(1, 4, model.config.d_model)
    with torch.no_grad():
        first, second = (
            model(encode(text), input_states=zeros, num_steps=4).latent_states[0, :3].numpy()
            for text in ("abcd", "abcx")
        )
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_blocks_applied_are_counted(model):
    from heatwidget.samples.recurrent import encode

    input_embeds, block_idx = model.embed_inputs(encode("ab"))
    assert int(block_idx) == 0
    state = model.initialize_state(input_embeds)
    _, block_idx, step = model.iterate_one_step(input_embeds, state, block_idx, current_step=5)
    assert (int(block_idx), step) == (len(model.transformer.core_block), 6)


def test_shipped_model_has_learned_to_predict(model):
    from heatwidget.samples.recurrent import load_record

    losses = load_record()["held_out_loss"]
    # A guess from the frequency of the bytes alone costs about 3 nats.
    assert losses["8"] < 2.0
    assert losses["8"] < losses["1"]
