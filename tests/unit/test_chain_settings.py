"""Settings of chains: simple for one, a list for more, and no key of a server in anything that is shown."""

import json
import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from node.cli.supervise.children import SERVICES, services_of
from node.cli.supervise.plan import Plan, Ports
from node.cli.supervise.refusal import StartRefused
from node.cli.supervise.table import without_key
from node.kernel.errors import NotFound
from node.kernel.settings import Settings

KEY = "topsecretkey"
URL = f"https://chain.test/v3/{KEY}"
SEVEN = {"chain_id": 7, "rpc_url": URL, "confirmations": 12}


def test_several_servers_of_one_chain() -> None:
    first, second = Settings(rpc_url=f"{URL}, http://127.0.0.1:8545").endpoints
    assert (first.name, first.url, first.websocket_url) == ("rpc1", URL, f"wss://chain.test/v3/{KEY}")
    assert (second.name, second.websocket_url) == ("rpc2", "ws://127.0.0.1:8545")


def test_a_websocket_of_its_own_or_none() -> None:
    settings = Settings(rpc_url="http://a,http://b", rpc_websocket_url="wss://c/x, -")
    assert [endpoint.websocket_url for endpoint in settings.endpoints] == ["wss://c/x", None]
    with pytest.raises(ValidationError):
        Settings(rpc_url="http://a,http://b", rpc_websocket_url="wss://c/x")


def test_a_chain_of_the_list_takes_the_place_of_the_nodes_own() -> None:
    settings = Settings(chains=[SEVEN], undo_blocks=500, indexer_metrics_port=9465)
    seven = settings.for_chain(7)
    assert (seven.chain_id, seven.confirmations, seven.undo_blocks) == (7, 12, 128)
    assert (seven.indexer_metrics_port, seven.database_url) == (9466, settings.database_url)
    assert settings.for_chain(31337) is settings
    assert settings.chain_ids == (31337, 7)
    with pytest.raises(NotFound):
        settings.for_chain(8)


def test_the_list_is_json_or_a_file_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = json.dumps([SEVEN])
    (tmp_path / "chains.json").write_text(text)
    for value in (text, str(tmp_path / "chains.json")):
        monkeypatch.setenv("ASOUD_CHAINS", value)
        assert Settings().chain_ids == (31337, 7)


@pytest.mark.parametrize(
    "chains",
    [
        [SEVEN, SEVEN],
        [{**SEVEN, "chain_id": 31337}],
        [{**SEVEN, "undo_blocks": 1}],
        [{**SEVEN, "confirmation": 1}],
        [{**SEVEN, "rpc_url": f"ftp://{KEY}"}],
        [{"chain_id": 7}],
        [{"rpc_url": URL}],
        {"chains": [SEVEN]},
    ],
    ids=["twice", "our own", "undo", "misspelt", "not HTTP", "no server", "no id", "no list"],
)
def test_what_makes_no_sense_is_refused_without_showing_keys(
    chains: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ASOUD_CHAINS", f"{tmp_path}/chains.json")
    (tmp_path / "chains.json").write_text(json.dumps(chains))
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert KEY not in str(refused.value)
    assert KEY not in repr(refused.value)


def test_no_key_is_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(rpc_url=URL, chains=[SEVEN])
    with caplog.at_level(logging.DEBUG):
        logging.getLogger().info("%s %r %s", settings, settings.endpoints, settings.for_chain(7))
    assert KEY not in caplog.text
    shown = [
        without_key(url) for url in (URL, f"http://{KEY}@h:1/", f"http://h?apikey={KEY}", "http://h:8545")
    ]
    assert shown == ["https://chain.test/...", "http://h:1", "http://h/...", "http://h:8545"]


def test_each_further_chain_has_an_indexer(tmp_path: Path) -> None:
    def plan(chains: str) -> Plan:
        return Plan(
            data_dir=tmp_path, ports=Ports(), environment={"ASOUD_CHAINS": chains, "ASOUD_SANDBOX": "0"}
        )

    services = services_of(plan(json.dumps([SEVEN])))
    assert [service.name for service in services] == [*(item.name for item in SERVICES), "indexer-7"]
    assert services[-1].argv(plan(""))[-3:] == ("run", "--chain", "7")
    assert services_of(plan("")) == SERVICES
    for broken in ("[{", "[7]", "/nowhere/chains.json", json.dumps([{"chain_id": 7}])):
        with pytest.raises(StartRefused):
            services_of(plan(broken))


@pytest.mark.parametrize(
    ("environment", "is_wanted"),
    [
        ({}, True),
        ({"ASOUD_SANDBOX": "0"}, False),
        ({"ASOUD_GATEWAYS": "stripe"}, False),
        ({"ASOUD_GATEWAYS": "stripe", "ASOUD_SANDBOX": "1"}, True),
        ({"ASOUD_CHAIN_ID": "1", "ASOUD_SANDBOX": "1"}, False),
    ],
)
def test_a_development_node_has_the_sandbox(
    tmp_path: Path, environment: dict[str, str], *, is_wanted: bool
) -> None:
    assert Plan(data_dir=tmp_path, ports=Ports(), environment=environment).has_sandbox is is_wanted
