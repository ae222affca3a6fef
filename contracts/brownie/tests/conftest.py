"""Deploys the suite as `deployment.json` says, the same plan that the node follows."""

import json
from pathlib import Path

import brownie
import pytest

PLAN = json.loads((Path(__file__).parent / "deployment.json").read_text())
CHAIN_ID = "31337"


class Deployment:
    """Follows the plan; `suite[name]` is the deployed contract."""

    def __init__(self, project, deployer, parameters):
        self._project, self._deployer = project, deployer
        self._parameters = parameters
        self._contracts = {}

    def __getitem__(self, name):
        return self._contracts[name]

    def run(self):
        for step in PLAN["steps"]:
            if "for" in step:
                self._call_for_each(step)
                continue
            arguments = [self._resolve(argument) for argument in step["arguments"]]
            if "deploy" in step:
                factory = getattr(self._project, step["deploy"])
                name = step.get("as", step["deploy"])
                self._contracts[name] = self._deployer.deploy(factory, *arguments)
            else:
                call = getattr(self[step["call"]], step["function"])
                call(*arguments, {"from": self._deployer})

    def _call_for_each(self, step):
        call = getattr(self[step["call"]], step["function"])
        for item in self._parameters[step["for"]]:
            call(*(self._resolve(part, item) for part in step["arguments"]), {"from": self._deployer})

    def _resolve(self, argument, item=None):
        ((kind, value),) = argument.items()
        if kind == "item":
            return item
        if kind == "role":
            return PLAN["roles"][value]["id"]
        if kind == "selectors":
            return [brownie.web3.keccak(text=signature)[:4] for signature in value]
        if kind == "parameter":
            return self._parameters.get(value, PLAN["parameters"][value].get(CHAIN_ID))
        if kind == "contract":
            return self[value]
        if kind == "deployer":
            return self._deployer
        if kind == "read":
            return getattr(self[value[0]], value[1])()
        if kind in ("list", "tuple"):
            return [self._resolve(part) for part in value]
        assert kind == "value"
        return value


@pytest.fixture(scope="session")
def suite():
    project = brownie.project.get_loaded_projects()[0]
    holders = brownie.accounts[:2]
    parameters = {
        "votesHolders": holders,
        "votesAmounts": [900 * 10**18, 100 * 10**18],
        "guardians": [brownie.accounts[8]],
        "arbiters": [brownie.accounts[5]],
    }
    deployment = Deployment(project, brownie.accounts[0], parameters)
    deployment.run()
    return deployment


@pytest.fixture(scope="session")
def collection(suite):
    """A merchant's collection; its code is that behind every clone."""
    merchant, artist = brownie.accounts[1], brownie.accounts[2]
    terms = ("Pictures", "PIC", "ipfs://all", artist, 500, 0)
    salt = b"pictures".ljust(32, b"\0")
    expected = suite["CollectionFactory"].predict(merchant, salt)
    created = suite["CollectionFactory"].create(terms, salt, {"from": merchant})
    assert created.events["CollectionCreated"]["collection"] == expected
    project = brownie.project.get_loaded_projects()[0]
    return project.Collection.at(expected)
