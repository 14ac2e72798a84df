"""Files of models: read as they were written; what is no model is refused."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from alignsar_gpu.errors import AlignsarError  # noqa: E402  (needs the extra)
from alignsar_gpu.learn.channels import Channel, Scaling, require_channels  # noqa: E402
from alignsar_gpu.learn.model_files import ModelFacts, load_model, save_model  # noqa: E402
from alignsar_gpu.learn.networks import build  # noqa: E402

ARGUMENTS = {"channels": 2, "outputs": 3}
FACTS = ModelFacts(
    task="land_cover",
    model="ann",
    arguments=ARGUMENTS,
    label="land_cover",
    classes={"water": 1, "field": 2, "forest": 4},
    channels=[Channel(layer="sigma0_vv", date=0), Channel(layer="height")],
    scaling=Scaling(decibels=[10.0, 0.0], mean=[-9.5, 100.25], deviation=[3.0, 12.5]),
    seed=3,
    software="alignsar_gpu 0",
    dataset="demo",
)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build("ann", ARGUMENTS)


def test_are_read_as_they_were_written(tmp_path, network):
    path = save_model(tmp_path / "a" / "model.safetensors", network, FACTS)
    facts, found = load_model(path)
    assert facts == FACTS
    image = torch.randn(1, 2, 4, 5)
    torch.testing.assert_close(found(image), network.eval()(image), rtol=0.0, atol=0.0)
    assert save_model(tmp_path / "b.safetensors", found, facts).read_bytes() == path.read_bytes()
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a", "b.safetensors", "model.safetensors"]


def write_pickle(path, network):
    torch.save(network.state_dict(), path)


def write_cut(path, network):
    save_model(path, network, FACTS)
    path.write_bytes(path.read_bytes()[:200])


def write_without_facts(path, network):
    safetensors.save_file(network.state_dict(), path)


def write_other_network(path, network):
    save_model(path, network, replace(FACTS, model="vgg"))


def write_other_arguments(path, network):
    save_model(path, network, replace(FACTS, arguments={"channels": 7, "outputs": 3}))


def write_strange_facts(path, network):
    safetensors.save_file(network.state_dict(), path, {"alignsar_gpu": json.dumps({"model": "ann"})})


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path, network: None, "is not there"),
        (write_pickle, "is no file of safetensors"),
        (write_cut, "is no file of safetensors"),
        (write_without_facts, "is no model that this version of alignsar_gpu knows"),
        (write_other_network, "network vgg"),
        (write_other_arguments, "is no model that this version of alignsar_gpu knows"),
        (write_strange_facts, "is no model that this version of alignsar_gpu knows"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, network, write, said):
    path = tmp_path / "model.safetensors"
    write(path, network)
    with pytest.raises(AlignsarError, match=said) as error:
        load_model(path)
    assert str(path) in str(error.value)


def test_other_channels_are_named():
    there = [Channel(layer="sigma0_vv", date=0), Channel(layer="entropy", date=1)]
    with pytest.raises(AlignsarError, match="it lacks height; it has entropy of date 2 besides"):
        require_channels(FACTS.channels, there, "outputs/other")
    with pytest.raises(AlignsarError, match="their order differs"):
        require_channels(FACTS.channels, list(reversed(FACTS.channels)), "outputs/other")
    require_channels(FACTS.channels, list(FACTS.channels), "outputs/mine")
