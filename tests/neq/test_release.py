"""An NEq that nothing refers to any more holds nothing: model and optimizer are as they were found."""

import gc
import weakref

import torch
from torch.optim import Adam

from neq.network.gradient_stop import StoppedParameter, gets_gradient
from tests.neq.training_loop import Loop, network, weights


def holding() -> Loop:
    loop = Loop()
    loop.epoch()
    loop.neq.freeze({"4": torch.ones(16, dtype=torch.bool), "0": torch.arange(8) < 4})
    loop.step(0)
    assert isinstance(loop.model.get_parameter("4.weight"), StoppedParameter)
    return loop


def test_what_nobody_has_any_more_lets_every_neuron_move() -> None:
    loop = holding()
    before = weights(loop.neq)
    layers = loop.neq.layers
    del loop.neq
    for one in loop.model.parameters():
        assert gets_gradient(one)
        assert type(one) is torch.nn.Parameter
        assert not one._post_accumulate_grad_hooks
    assert [type(module) for module in loop.model.children()] == [type(module) for module in network()]
    loop.step(1)
    for layer in layers:
        for was, parameter in zip(before[layer.name], layer.parameters(), strict=True):
            assert not torch.equal(was, layer.by_neuron(parameter.detach()))


def test_a_loop_that_is_run_again_holds_by_the_new_one_alone() -> None:
    loop = holding()
    model = loop.model
    del loop
    again = Loop(model, Adam(model.parameters(), lr=0.01))  # NEqTakenOver would be an error here
    before = weights(again.neq)
    again.train()
    assert not any(layer.applied.any() for layer in again.neq.end_epoch().layers.values())
    assert all(not torch.equal(one, other) for one, other in zip(weights(again.neq)["4"], before["4"], strict=True))


def test_an_neq_within_the_model_that_it_watches_goes_with_it() -> None:
    loop = holding()
    model = loop.model
    vars(model)["neq"] = loop.neq
    gone = weakref.ref(model)
    weight = model.get_parameter("4.weight")
    del model, loop
    gc.collect()
    assert gone() is None
    assert gets_gradient(weight)


def test_layers_unfrozen_later_are_let_go_too() -> None:
    model = network()
    model[0].requires_grad_(False)
    loop = Loop(model, torch.optim.SGD(model.parameters(), lr=0.05))
    loop.epoch()
    model[0].requires_grad_(True)
    loop.epoch()
    assert "0" in {layer.name for layer in loop.neq.layers}
    loop.neq.freeze({"0": torch.ones(8, dtype=torch.bool)})
    loop.step(0)
    loop.step(0)
    assert not gets_gradient(model.get_parameter("0.weight"))
    del loop.neq
    assert gets_gradient(model.get_parameter("0.weight"))
