"""The Siamese network: any size, both dates alike, nothing further than its reach."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from alignsar_gpu.learn.networks import build  # noqa: E402
from alignsar_gpu.learn.networks.siamese import Siamese  # noqa: E402

KINDS = [(2, 0), (6, 4), (4, 4)]  # channels of a date, and parts among them


def network(channels, parts, outputs=2, **more):
    torch.manual_seed(0)
    made = Siamese(channels, outputs, parts, width=4, **more)
    with torch.no_grad():
        made(torch.randn(4, 2 * channels, 16, 32))  # statistics of the batch normalisation
        made.head.bias += torch.tensor([0.1, -0.2])[:outputs]
    return made.eval()


@pytest.mark.parametrize(("channels", "parts"), KINDS)
def test_any_size_goes_in_and_the_same_comes_out(channels, parts):
    made = network(channels, parts)
    image = torch.randn(1, 2 * channels, 11, 37)
    found = made(image)
    assert found.shape == (1, 2, 11, 37)
    again = build("siamese", made.arguments()).eval()
    again.load_state_dict(made.state_dict())
    torch.testing.assert_close(again(image), found, rtol=0, atol=0)


@pytest.mark.parametrize(("channels", "parts"), KINDS)
def test_exchanged_dates_are_the_same_change_unless_the_network_is_directed(channels, parts):
    image = torch.randn(2, 2 * channels, 8, 32)
    exchanged = torch.cat([image[:, channels:], image[:, :channels]], dim=1)
    made, directed = network(channels, parts), network(channels, parts, directed=True)
    torch.testing.assert_close(made(exchanged), made(image), rtol=1e-4, atol=1e-5)
    assert (directed(exchanged) - directed(image)).abs().max() > 1e-3


def test_equal_dates_differ_from_changed_ones_by_their_difference_alone():
    made = network(2, 0)
    image = torch.randn(1, 2, 8, 32)
    differences, _ = made._of_dates([level.chunk(2) for level in made.encoder(torch.cat([image, image]))])
    assert all(not level.any() for level in differences)


def test_a_pixel_changes_nothing_beyond_the_reach():
    made = network(3, 2)
    lines, samples = made.reach
    image = torch.randn(1, 6, 1 + lines + 24, 1 + samples + 32)
    moved = image.clone()
    moved[..., 0, 0] += 30.0
    change = (made(moved) - made(image)).abs()[0].amax(dim=0).detach().numpy()
    assert change[:2, :2].max() > 0.0
    assert not change[lines + 1 :].any()
    assert not change[:, samples + 1 :].any()
    assert np.flatnonzero(change[:, 0]).max() <= lines


def test_scaling_of_complex_images_does_not_count():
    made = network(4, 4)
    image = torch.randn(1, 8, 8, 32)
    scaled = image.clone()
    scaled[:, :4] *= 7.0
    torch.testing.assert_close(made(scaled), made(image), rtol=1e-3, atol=1e-4)
