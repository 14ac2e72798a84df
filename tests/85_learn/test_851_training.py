"""The training loop: the same seed gives the same weights, a training that is killed goes on, and ends early."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from alignsar_gpu.learn.batches import Batches  # noqa: E402  (needs torch)
from alignsar_gpu.learn.options import FitOptions  # noqa: E402
from alignsar_gpu.learn.training import fit, learning_rate  # noqa: E402

OPTIONS = FitOptions(epochs=6, batch=4, learning_rate=0.05, seed=3)


def sample(number):
    values = torch.linspace(-1.0, 1.0, 10).roll(number)
    return values, 2.0 * values.flip(0)


def loss(network, batch):
    values, wanted = batch
    return (network(values + 0.01 * torch.randn(values.shape)) - wanted).square().mean()


def score(network):
    return -float(torch.stack([(network(x) - y).square().mean() for x, y in map(sample, range(10))]).mean())


def trained(path, options=OPTIONS, epochs_seen=None, validate=score):
    torch.manual_seed(options.seed)
    network = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 10))
    seen = []

    def advance(count):
        seen.append(count)
        if epochs_seen is not None and sum(seen) >= epochs_seen:
            raise KeyboardInterrupt

    # one sample at a time is scored: the network normalises by what it has seen
    history = fit(
        network, loss, Batches(10, sample, options), lambda net: validate(_each(net)), options, path, advance
    )
    return network.state_dict(), history


def _each(network):
    return lambda values: network(values[None])[0]


def test_learns(tmp_path):
    _, history = trained(tmp_path / "a", replace(OPTIONS, epochs=60))
    assert history[-1]["score"] > -0.05 > history[0]["score"]
    assert [row["epoch"] for row in history] == list(range(1, 61))


def test_the_same_seed_gives_the_same_weights(tmp_path):
    torch.manual_seed(99)
    first, history = trained(tmp_path / "a")
    torch.manual_seed(7)
    second, again = trained(tmp_path / "b")
    assert history == again
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0.0, atol=0.0)
    _, other = trained(tmp_path / "c", replace(OPTIONS, seed=4))
    assert other != history


@pytest.mark.parametrize("epochs", [1, 3, 5])
def test_goes_on_where_it_was_stopped(tmp_path, epochs):
    expected, history = trained(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "b", epochs_seen=epochs)
    found, again = trained(tmp_path / "b")
    assert again == history
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0.0, atol=0.0)


def test_a_checkpoint_of_other_options_is_not_taken(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "a", replace(OPTIONS, learning_rate=0.01), epochs_seen=2)
    assert trained(tmp_path / "a")[1] == trained(tmp_path / "b")[1]


def test_keeps_the_best_weights_and_ends_after_patience(tmp_path):
    scores = iter([0.1, 0.5, 0.4, 0.3, 0.9, 0.9])
    kept = []

    def validate(network):
        kept.append(network(torch.ones(10)).clone())
        return next(scores)

    found, history = trained(tmp_path / "a", replace(OPTIONS, patience=2), validate=validate)
    assert [row["score"] for row in history] == [0.1, 0.5, 0.4, 0.3]
    again = torch.nn.Sequential(torch.nn.Linear(10, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 10))
    again.load_state_dict(found)
    torch.testing.assert_close(again.eval()(torch.ones(1, 10))[0], kept[1])


def test_learning_rate_rises_and_falls():
    rates = [learning_rate(share / 100.0, OPTIONS) for share in range(101)]
    assert max(rates) == pytest.approx(OPTIONS.learning_rate)
    assert rates.index(max(rates)) == 10
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)
    assert rates[0] == pytest.approx(0.1 * OPTIONS.learning_rate)


class TestBatches:
    def test_an_epoch_has_every_sample_once_in_an_order_of_its_own(self):
        batches = Batches(10, lambda number: (torch.tensor(number),), OPTIONS)
        orders = [torch.cat([part for (part,) in batches.epoch(number)]).tolist() for number in (0, 1, 0)]
        assert sorted(orders[0]) == sorted(orders[1]) == list(range(10))
        assert orders[0] == orders[2] != orders[1]
        assert len(batches) == 3
        assert torch.cat([part for (part,) in batches.ordered()]).tolist() == list(range(10))

    @pytest.mark.parametrize("memory", [0, 3 * 40, 1 << 20])
    def test_what_does_not_fit_is_read_again(self, memory):
        read = []

        def reading(number):
            read.append(number)
            return (torch.full((10,), float(number)),)

        batches = Batches(10, reading, replace(OPTIONS, memory=memory))
        found = [torch.cat([part[:, 0] for (part,) in batches.epoch(2)]).tolist() for _ in range(2)]
        assert found[0] == found[1]
        assert len(read) == {0: 20, 120: 17, 1 << 20: 10}[memory]

    def test_weights_say_how_often_samples_are_drawn(self):
        weights = [0.0, 1.0, 1.0, 8.0]
        batches = Batches(4, lambda number: (torch.tensor(number),), OPTIONS, weights)
        drawn = torch.cat([part for number in range(500) for (part,) in batches.epoch(number)])
        shares = torch.bincount(drawn, minlength=4) / len(drawn)
        torch.testing.assert_close(shares, torch.tensor(weights) / 10.0, rtol=0.0, atol=0.04)
