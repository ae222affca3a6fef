"""`steps[]` on the way out: what a wallet has to send or sign, in order. `node.chain.steps` makes them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from api.schemas import AddressString, HexBytes, Output, UintOut
from node.chain.steps import Step


class TransactionOut(Output):
    """A populated transaction (EIP-1559). Numbers of wei are decimal strings."""

    chain_id: int = Field(examples=[31337])
    from_: AddressString = Field(alias="from")
    to: AddressString
    data: HexBytes
    value: UintOut
    gas: int = Field(examples=[120000], description="The limit")
    gas_source: Literal["estimated", "simulated", "assumed"]
    nonce: int = Field(description="Counts up within one list of steps; a wallet may choose its own")
    max_fee_per_gas: UintOut
    max_priority_fee_per_gas: UintOut


class PostToOut(Output):
    method: Literal["POST"]
    path: str = Field(examples=["/v1/listings"])
    field: str = Field(examples=["signature"], description="The field of the body that takes the signature")


class SignatureOut(Output):
    signer: AddressString
    typed_data: dict[str, Any] = Field(description="The argument of `eth_signTypedData_v4` (EIP-712)")
    post_to: PostToOut


class TransactionStepOut(Output):
    kind: Literal["transaction"]
    action: str = Field(examples=["vote"], description="Stable, for programs")
    description: str = Field(description="For people")
    transaction: TransactionOut


class SignatureStepOut(Output):
    kind: Literal["signature"]
    action: str
    description: str
    signature: SignatureOut


StepOut = Annotated[TransactionStepOut | SignatureStepOut, Field(discriminator="kind")]

_STEPS: TypeAdapter[list[StepOut]] = TypeAdapter(list[StepOut])


class StepsOut(Output):
    """Send or sign in this order; an empty list means that there is nothing left to do."""

    steps: list[StepOut]


def steps_out(steps: Sequence[Step]) -> list[StepOut]:
    return _STEPS.validate_python([step.to_json() for step in steps])
