"""The client against a real chain, and against servers in trouble."""

import json
import logging
import time
import traceback

import pytest

from node.chain.artifacts import load_artifact
from node.chain.client import BATCH_MAX, Call, ChainClient, Read, tx_hash_of
from node.chain.errors import (
    ExecutionReverted,
    FeeTooLow,
    InsufficientNativeFunds,
    NonceTooLow,
    NotAContract,
    ReceiptPending,
    RpcRejected,
    RpcUnavailable,
    TransactionInvalid,
    WrongChain,
)
from node.chain.wire import ATTEMPTS
from node.kernel.errors import AsoudError, Bug
from node.kernel.hexes import ZERO_HASH, Address, Hash32
from tests.chain.server import Answer, passing_on, serving
from tests.chain.suite import Suite, person
from tests.stack import free_port, rpc
from wallet.custody.signer import Transaction

pytestmark = pytest.mark.chain

PAYER, PAYEE, NOBODY = person(1), person(2), Address("0x" + "12" * 20)
SECRET = "s3cr3t-key"


def payment(client: ChainClient, **more: object) -> bytes:
    fee = client.fee()
    fields = {
        "chain_id": 31337,
        "nonce": client.nonce(PAYER.address),
        "to": PAYEE.address,
        "data": "0x",
        "value": 1,
        "gas": 21_000,
        "max_fee_per_gas": fee.max_fee,
        "max_priority_fee_per_gas": fee.max_priority_fee,
        **more,
    }
    return PAYER.sign_transaction(Transaction(**fields))


class TestAsking:
    def test_blocks(self, suite: Suite) -> None:
        genesis, head = suite.client.block(0), suite.client.block("latest")
        assert genesis is not None
        assert head is not None
        assert genesis.hash == suite.client.genesis_hash() == suite.deployment.genesis_hash
        assert head.number > 0
        assert suite.client.block(head.hash) == head
        assert suite.client.block(10**9) is None
        assert suite.client.block(ZERO_HASH) is None

    def test_a_batch_keeps_its_order_and_its_refusals(self, suite: Suite) -> None:
        dollar, erc20 = suite.dollar, load_artifact("DevDollar")
        people = [person(n % 10).address for n in range(BATCH_MAX + 5)]
        reads = [Read(erc20, dollar, "balanceOf", (account,)) for account in people]
        governor = suite.deployment.governor
        refused = Read(load_artifact("AsoudGovernor"), governor.address, "state", (5,))
        answers = suite.client.read_many([*reads, refused, reads[0]])
        assert answers[:-2] == [10**12] * len(people)
        assert isinstance(answers[-2], ExecutionReverted)
        assert answers[-2].message == "there is no proposal 5"
        assert answers[-1] == 10**12

    def test_a_view_where_no_contract_is(self, suite: Suite) -> None:
        with pytest.raises(NotAContract):
            suite.client.read(load_artifact("DevDollar"), NOBODY, "balanceOf", NOBODY)

    def test_another_chain(self, suite: Suite) -> None:
        suite.client.check_chain()
        with ChainClient(suite.rpc_url, chain_id=5) as client, pytest.raises(WrongChain):
            client.check_chain()

    def test_only_http(self) -> None:
        with pytest.raises(Bug) as caught:
            ChainClient(f"ws://127.0.0.1/{SECRET}", chain_id=1)
        assert SECRET not in str(caught.value)


class TestSending:
    def test_sent_waited_for_and_sent_again(self, suite: Suite) -> None:
        raw = payment(suite.client)
        tx_hash = suite.client.send_raw(raw)
        assert tx_hash == tx_hash_of(raw)
        receipt = suite.client.wait_receipt(tx_hash, timeout_s=5)
        assert receipt.succeeded
        assert receipt.gas_used == 21_000
        assert suite.client.send_raw(raw) == tx_hash
        assert suite.client.is_known(tx_hash)
        assert not suite.client.is_known(ZERO_HASH)

    def test_the_same_transaction_while_it_waits(self, fresh_anvil: str) -> None:
        rpc(fresh_anvil, "evm_setAutomine", False)
        with ChainClient(fresh_anvil, chain_id=31337) as client:
            raw = payment(client)
            tx_hash = client.send_raw(raw)
            assert client.send_raw(raw) == tx_hash
            with pytest.raises(ReceiptPending):
                client.wait_receipt(tx_hash, timeout_s=0.1)
            with pytest.raises(FeeTooLow):
                client.send_raw(payment(client, nonce=0, value=2))
            rpc(fresh_anvil, "evm_mine")
            assert client.wait_receipt(tx_hash, timeout_s=5).succeeded

    def test_a_used_nonce(self, suite: Suite) -> None:
        nonce = suite.client.nonce(PAYER.address)
        suite.client.wait_receipt(suite.client.send_raw(payment(suite.client)), timeout_s=5)
        with pytest.raises(NonceTooLow):
            suite.client.send_raw(payment(suite.client, nonce=nonce, value=99))

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"value": 10**30}, InsufficientNativeFunds),
            ({"gas": 20_000}, TransactionInvalid),
            ({"max_fee_per_gas": 1, "max_priority_fee_per_gas": 1}, FeeTooLow),
        ],
    )
    def test_what_the_chain_does_not_take(
        self, suite: Suite, change: dict[str, int], error: type[AsoudError]
    ) -> None:
        with pytest.raises(error):
            suite.client.send_raw(payment(suite.client, **change))

    def test_what_is_no_transaction(self, suite: Suite) -> None:
        with pytest.raises(TransactionInvalid):
            suite.client.send_raw(b"\x02nonsense")


class TestTrouble:
    """Nothing that goes wrong shows the address of the server, which holds a key."""

    def failing(self, answer: Answer, error: type[AsoudError]) -> tuple[AsoudError, int]:
        """The failure of a read, and how often the server was asked."""
        pauses: list[float] = []
        with (
            serving(answer, path=f"/v3/{SECRET}") as server,
            ChainClient(server.url, chain_id=31337, timeout_s=0.3, sleep=pauses.append) as client,
            pytest.raises(error) as caught,
        ):
            client.block()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert SECRET not in repr(caught.value.fields)
        assert len(pauses) == len(server.asked) - 1
        return caught.value, len(server.asked)

    @pytest.mark.parametrize("status", [429, 502, 503])
    def test_a_busy_server_is_asked_a_few_times(self, status: int) -> None:
        error, asked = self.failing(lambda _: (status, b"busy"), RpcUnavailable)
        assert error.fields["status"] == status
        assert asked == ATTEMPTS

    @pytest.mark.parametrize("status", [400, 401, 404])
    def test_a_server_that_turns_us_away_is_asked_once(self, status: int) -> None:
        assert self.failing(lambda _: (status, b"no"), RpcRejected)[1] == 1

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe"])
    def test_what_is_no_json(self, body: bytes) -> None:
        assert self.failing(lambda _: (200, body), RpcUnavailable)[1] == 1

    @pytest.mark.parametrize("result", ['{"number": "0x1"}', '"0x1"', "[]", "7"])
    def test_an_answer_of_the_wrong_shape(self, result: str) -> None:
        body = f'{{"jsonrpc": "2.0", "id": 0, "result": {result}}}'.encode()
        self.failing(lambda _: (200, body), RpcRejected)

    def test_a_limited_rate(self) -> None:
        body = json.dumps({"id": 0, "error": {"code": -32005, "message": "slow down"}}).encode()
        self.failing(lambda _: (200, body), RpcUnavailable)

    def test_a_slow_server_is_not_asked_again(self) -> None:
        def slow(_: object) -> tuple[int, bytes]:
            time.sleep(0.6)
            return 200, b"{}"

        assert self.failing(slow, RpcUnavailable)[1] == 1

    def test_no_server_at_all(self) -> None:
        url = f"http://127.0.0.1:{free_port()}/v3/{SECRET}"
        pauses: list[float] = []
        with (
            ChainClient(url, chain_id=31337, sleep=pauses.append) as client,
            pytest.raises(RpcUnavailable) as caught,
        ):
            client.block()
        assert SECRET not in "".join(traceback.format_exception(caught.value))
        assert len(pauses) == ATTEMPTS - 1
        assert pauses == sorted(pauses)

    def test_a_server_that_comes_back(self, suite: Suite) -> None:
        healthy = passing_on(suite.rpc_url)
        statuses = iter([503, 503])

        def shaky(request: object) -> tuple[int, bytes]:
            status = next(statuses, None)
            return healthy(request) if status is None else (status, b"")

        with (
            serving(shaky) as server,
            ChainClient(server.url, chain_id=31337, sleep=lambda _: None) as client,
        ):
            assert client.genesis_hash() == suite.deployment.genesis_hash

    def test_a_transaction_is_sent_once(self, suite: Suite) -> None:
        raw = payment(suite.client)
        with (
            serving(lambda _: (503, b"")) as server,
            ChainClient(server.url, chain_id=31337) as client,
            pytest.raises(RpcUnavailable),
        ):
            client.send_raw(raw)
        assert len(server.asked) == 1

    def test_the_libraries_logs_do_not_show_the_address(
        self, suite: Suite, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (
            caplog.at_level(logging.DEBUG),
            serving(passing_on(suite.rpc_url), path=f"/v3/{SECRET}") as server,
            ChainClient(server.url, chain_id=31337) as client,
        ):
            client.block()
            client.call_many([Call(to=NOBODY)])
        assert SECRET not in caplog.text
        assert SECRET not in repr(client)

    def test_a_hash_of_a_lost_transaction(self, suite: Suite) -> None:
        assert suite.client.receipt(Hash32("0x" + "ab" * 32)) is None


class TestSeveralServers:
    """One is used for as long as it answers; the next one when it fails."""

    def test_the_next_server_answers_and_stays(self, suite: Suite) -> None:
        with (
            serving(lambda _: (503, b"")) as broken,
            serving(passing_on(suite.rpc_url)) as healthy,
            ChainClient([broken.url, healthy.url], chain_id=31337, sleep=lambda _: None) as client,
        ):
            for _ in range(3):
                assert client.genesis_hash() == suite.deployment.genesis_hash
            assert (len(broken.asked), len(healthy.asked)) == (1, 3)

    @pytest.mark.parametrize("status", [401, 429])
    def test_a_server_that_does_not_serve_us_is_passed_over(self, suite: Suite, status: int) -> None:
        with (
            serving(lambda _: (status, b"")) as closed,
            ChainClient([closed.url, suite.rpc_url], chain_id=31337, sleep=lambda _: None) as client,
        ):
            assert client.read_many([]) == []
            assert client.genesis_hash() == suite.deployment.genesis_hash
            assert client.call_many([Call(to=NOBODY)] * 3) == [b""] * 3
            assert len(closed.asked) == 1

    def test_what_others_found_wrong_is_asked_last(self, suite: Suite) -> None:
        with (
            serving(passing_on(suite.rpc_url)) as lagging,
            serving(passing_on(suite.rpc_url)) as healthy,
            ChainClient([lagging.url, healthy.url], chain_id=31337, set_aside=lambda: {"rpc1"}) as client,
        ):
            client.block()
            assert (len(lagging.asked), len(healthy.asked)) == (0, 1)

    def test_a_transaction_is_handed_to_the_next_server(self, suite: Suite) -> None:
        with (
            serving(lambda _: (503, b"")) as broken,
            ChainClient([broken.url, suite.rpc_url], chain_id=31337) as client,
        ):
            tx_hash = client.send_raw(payment(suite.client))
            assert client.wait_receipt(tx_hash, timeout_s=5).succeeded
            assert len(broken.asked) == 1

    def test_a_server_of_another_chain_is_found_out(self, suite: Suite) -> None:
        other = json.dumps({"jsonrpc": "2.0", "id": 0, "result": "0x7"}).encode()
        with (
            serving(lambda _: (200, other)) as server,
            ChainClient([suite.rpc_url, server.url], chain_id=31337) as client,
            pytest.raises(WrongChain),
        ):
            client.check_chain()

    def test_calls_are_spread_as_the_limit_asks(self, suite: Suite) -> None:
        pauses: list[float] = []
        with ChainClient(suite.rpc_url, chain_id=31337, per_second=0.5, sleep=pauses.append) as client:
            client.genesis_hash()
            client.genesis_hash()
        assert len(pauses) == 1
        assert 0 < pauses[0] <= 2
