"""Networks: any size in, the same size out; what a pixel depends on; parts of a scene as the whole."""

import pytest

torch = pytest.importorskip("torch")

from alignsar_gpu.learn.networks import NETWORKS, build  # noqa: E402  (needs torch)

CHANNELS, OUTPUTS = 4, 3


def made(name):
    torch.manual_seed(1)
    network = build(name, {"channels": CHANNELS, "outputs": OUTPUTS}).eval()
    for module in network.modules():  # as after a training: statistics that are not those of a new network
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return network


@pytest.fixture(scope="module")
def whole():
    return torch.randn(1, CHANNELS, 103, 391, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ["unet", "ann", "complex_unet"])
class TestNetworks:
    @torch.inference_mode()
    def test_keep_the_size(self, name):
        network = made(name)
        for size in ((1, 1), (5, 17), (32, 128), (33, 127)):
            assert network(torch.zeros(2, CHANNELS, *size)).shape == (2, OUTPUTS, *size)

    @torch.inference_mode()
    def test_a_pixel_changes_nothing_beyond_the_reach(self, name, whole):
        network, (line, sample) = made(name), (51, 195)
        changed = whole.clone()
        changed[..., line, sample] += 5.0
        lines, samples = torch.nonzero((network(changed) != network(whole)).any(dim=1)[0]).T
        assert (lines - line).abs().max() <= network.reach[0]
        assert (samples - sample).abs().max() <= network.reach[1]
        assert len(lines) >= (1 if name == "ann" else network.stride[0] * network.stride[1])

    @torch.inference_mode()
    def test_a_part_that_begins_at_the_stride_is_as_the_whole(self, name, whole):
        network = made(name)
        first = [4 * (network.stride[0]), 3 * (network.stride[1])]
        part = network(whole[..., first[0] :, first[1] :])
        inner = part[..., network.reach[0] :, network.reach[1] :]
        beyond = [begin + reach for begin, reach in zip(first, network.reach, strict=True)]
        torch.testing.assert_close(inner, network(whole)[..., beyond[0] :, beyond[1] :], rtol=0.0, atol=1e-5)

    def test_are_made_again_from_their_arguments(self, name):
        network = made(name)
        again = build(name, network.arguments())
        again.load_state_dict(network.state_dict())


def test_complex_sums_hold_coherence():
    """Images of the same intensity, coherent or not, have the same powers; of their sum, they have not."""
    network = made("complex_unet")
    with torch.no_grad():
        network.weights.zero_()
        network.weights[0, 0, 0, 1, 1] = network.weights[0, 0, 1, 1, 1] = 1.0
        network.weights[0, 1, 0, 1, 1] = 1.0
        torch.manual_seed(0)
        one, other = torch.randn(2, 1, 2, 64, 64)
        powers = [_powers(network, torch.cat([one, second], dim=1)) for second in (one, other)]
    torch.testing.assert_close(powers[0][1], powers[1][1])
    assert powers[0][0] / powers[1][0] == pytest.approx(2.0, rel=0.1)  # |2 z|^2 over |z + w|^2


def _powers(network, image):
    kept = []
    hook = network.norm.register_forward_hook(lambda module, given, result: kept.append(given[0].exp()))
    network(image)
    hook.remove()
    return kept[0][0].mean(dim=(1, 2))


def test_every_network_has_a_name_and_a_reach():
    for name, network in NETWORKS.items():
        assert network.name == name
        assert all(step >= 1 for step in network.stride)
