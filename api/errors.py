"""Domain errors -> HTTP, in one table; a test demands that each class which may be raised is in it.

A new error is one line: class -> (status, stable code, title). Codes are for ever, clients switch on them.
"""

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.edge_errors import (
    IdempotencyKeyAnonymous,
    IdempotencyKeyBusy,
    IdempotencyKeyMalformed,
    IdempotencyKeyReused,
    PreconditionFailed,
    RateExceeded,
)
from api.problems import problem
from indexer.completeness import AnswerIncomplete
from node.chain import errors as chain
from node.chain import permit, rpc
from node.chain.deployments import NotDeployed
from node.chain.pool import Disputed
from node.chain.relay import NotRelayed
from node.chain.steps import InsufficientTokenFunds
from node.kernel.countries import CountryUnknown
from node.kernel.db.keyset import CursorInvalid
from node.kernel.errors import (
    AsoudError,
    Bug,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Transient,
    Unauthenticated,
)
from node.kernel.language import LanguageInvalid
from node.kernel.log import get_logger
from node.kernel.rate import RateUncounted
from node.kernel.spine.record import StreamMoved
from node.kernel.spine.runner import ConsumerStalled
from node.kernel.text import TextInvalid
from node.services.auction import errors as auction
from node.services.balance import errors as balance
from node.services.catalog import errors as catalog
from node.services.charge import errors as charge
from node.services.content import errors as content
from node.services.credit import errors as credit
from node.services.deposit import errors as deposit
from node.services.escrow import errors as escrow
from node.services.gateway import errors as gateway
from node.services.governance import errors as governance
from node.services.identity import errors as identity
from node.services.listing import errors as listing
from node.services.market import errors as market
from node.services.nft import errors as nft
from node.services.order import errors as order
from node.services.payment import errors as payment
from node.services.payout import errors as payout
from node.services.rate import errors as rate
from node.services.sms import errors as sms
from node.services.spending import errors as spending
from node.services.transaction import errors as transaction
from node.services.transfer import errors as transfer
from node.services.translation import errors as translation
from node.services.withdrawal import errors as withdrawal
from wallet.incident import errors as incident
from wallet.ledger import errors as ledger
from wallet.treasury import errors as treasury

log = get_logger(__name__)

DETAILS_MAX = 50  # wrong fields that one problem names
RETRY_AFTER_S = 1  # where an error does not know better


@dataclass(frozen=True, slots=True)
class Row:
    status: int
    code: str
    title: str


CHAIN_AWAY = Row(503, "chain_away", "The chain can't be asked right now")

ERRORS: dict[type[AsoudError], Row] = {
    Invalid: Row(422, "invalid", "The request does not say what it must"),
    Unauthenticated: Row(401, "unauthenticated", "Sign in first"),
    Forbidden: Row(403, "forbidden", "You may not do this"),
    NotFound: Row(404, "not_found", "There is no such thing"),
    Conflict: Row(409, "conflict", "State has moved on or forbids it now"),
    Transient: Row(503, "try_again", "Not possible right now, try again"),
    Bug: Row(500, "internal", "An error of ours"),
    # the edge itself
    CursorInvalid: Row(422, "cursor_invalid", "The cursor is not one of this list"),
    IdempotencyKeyMalformed: Row(422, "idempotency_key_malformed", "The Idempotency-Key is malformed"),
    IdempotencyKeyReused: Row(
        422, "idempotency_key_reused", "The Idempotency-Key belongs to another request"
    ),
    IdempotencyKeyAnonymous: Row(
        422, "idempotency_key_anonymous", "An Idempotency-Key needs a signed-in caller"
    ),
    IdempotencyKeyBusy: Row(409, "idempotency_key_busy", "The same request is being worked on"),
    RateExceeded: Row(429, "rate_exceeded", "Too many requests in a minute"),
    RateUncounted: Row(503, "rate_not_counted", "Not possible while requests can't be counted"),
    PreconditionFailed: Row(412, "precondition_failed", "It was changed in the meantime"),
    TextInvalid: Row(422, "text_invalid", "A text is empty, too long or holds odd characters"),
    # the spine
    StreamMoved: Row(409, "stream_moved", "Somebody else changed this in the meantime"),
    # identity
    identity.MalformedMessage: Row(422, "siwe_malformed", "The sign-in message is malformed"),
    identity.WrongDomain: Row(401, "siwe_wrong_domain", "The message was written for another site"),
    identity.WrongUri: Row(401, "siwe_wrong_uri", "The message's URI lies on another site"),
    identity.WrongChain: Row(401, "siwe_wrong_chain", "The message names another chain"),
    identity.NonceUnknown: Row(401, "siwe_nonce_unknown", "This node did not hand out that nonce"),
    identity.NonceUsed: Row(401, "siwe_nonce_used", "The nonce was used already"),
    identity.NonceExpired: Row(401, "siwe_nonce_expired", "The nonce has expired"),
    identity.NonceForOther: Row(401, "siwe_nonce_for_other", "The nonce is for something else"),
    identity.MessageExpired: Row(401, "siwe_message_expired", "The message has expired"),
    identity.MessageNotYetValid: Row(401, "siwe_message_not_yet_valid", "The message is not valid yet"),
    identity.BadSignature: Row(401, "siwe_bad_signature", "The signature is not that of the address"),
    identity.TokenMissing: Row(401, "token_missing", "An access token is needed"),
    identity.TokenInvalid: Row(401, "token_invalid", "The access token is not one of ours"),
    identity.TokenExpired: Row(401, "token_expired", "The access token has run out"),
    identity.CsrfTokenWrong: Row(403, "csrf_token_wrong", "The CSRF token of the session is missing"),
    identity.AccountFrozen: Row(403, "account_shut_out", "An operator shut the account out"),
    identity.RoleNeeded: Row(403, "role_needed", "This is for another role"),
    identity.ScopeInvalid: Row(422, "scope_invalid", "Not a scope that the key can have"),
    identity.ScopeNeeded: Row(403, "scope_needed", "The API key may not do this"),
    identity.KeyInvalid: Row(401, "key_invalid", "The API key does not count"),
    identity.KeyUnknown: Row(404, "key_unknown", "There is no such API key"),
    identity.KeyRevoked: Row(409, "key_revoked", "The API key was revoked"),
    identity.TooManyKeys: Row(409, "too_many_keys", "The account has too many API keys"),
    identity.KeyRateExceeded: Row(429, "key_rate_exceeded", "Too many requests by one API key"),
    identity.AccountUnknown: Row(404, "account_unknown", "There is no such account"),
    identity.WalletNeeded: Row(403, "wallet_needed", "The account needs a wallet for this"),
    identity.RefreshInvalid: Row(401, "refresh_invalid", "The refresh token is not one of ours"),
    identity.RefreshExpired: Row(401, "refresh_expired", "The refresh token has run out"),
    identity.RefreshReused: Row(401, "refresh_reused", "The refresh token was used before: signed out"),
    identity.SessionEnded: Row(401, "session_ended", "The session was signed out"),
    identity.SessionUnknown: Row(404, "session_unknown", "There is no such session"),
    identity.SignInTooOld: Row(403, "sign_in_too_old", "Sign in again first"),
    identity.SignedInByIt: Row(403, "signed_in_by_it", "Sign in with an identity that stays"),
    identity.StepUpNeeded: Row(403, "step_up_needed", "A second proof is needed first"),
    identity.SecondProofMissing: Row(403, "second_proof_missing", "The account has no second proof"),
    identity.SameProof: Row(403, "same_proof", "The session was opened by that very identity"),
    identity.StepUpLimitReached: Row(429, "step_up_limit_reached", "Too many wrong second proofs"),
    identity.TotpOn: Row(409, "totp_on", "The account has an authenticator app already"),
    identity.TotpOff: Row(404, "totp_off", "The account has no authenticator app"),
    identity.TotpWrong: Row(403, "totp_wrong", "That is not what the authenticator app shows"),
    identity.TotpUsed: Row(403, "totp_used", "The authenticator app's code has served"),
    identity.RecoveryCodeWrong: Row(403, "recovery_code_wrong", "No recovery code, or a used one"),
    identity.MergeRefused: Row(409, "merge_refused", "The accounts can't become one"),
    identity.MergeMoved: Row(409, "merge_moved", "It is not what the preview showed"),
    identity.ClosingRefused: Row(409, "closing_refused", "The account can't be deleted yet"),
    identity.RecoveryUnknown: Row(404, "recovery_unknown", "There is no such recovery under way"),
    identity.RecoveryOpen: Row(409, "recovery_open", "Another recovery is under way"),
    identity.RecoveryNotRipe: Row(409, "recovery_not_ripe", "The time to object is not over"),
    identity.RecoveryLimitReached: Row(429, "recovery_limit_reached", "Too many recoveries were begun"),
    identity.IdentityTaken: Row(409, "identity_taken", "It belongs to another account"),
    identity.IdentityUnknown: Row(404, "identity_unknown", "The account has no such wallet or phone"),
    identity.LastIdentity: Row(409, "last_identity", "It is the only way into the account"),
    identity.TooManyIdentities: Row(409, "too_many_identities", "The account has too many identities"),
    CountryUnknown: Row(422, "country_unknown", "Not a country of ISO 3166-1"),
    identity.MoneyUnknown: Row(422, "money_unknown", "Not a currency of ISO 4217"),
    identity.TimeZoneUnknown: Row(422, "time_zone_unknown", "Not a time zone of the IANA database"),
    identity.SignInRateExceeded: Row(429, "sign_in_rate_exceeded", "Too many attempts in a minute"),
    identity.PhoneInvalid: Row(422, "phone_invalid", "Not a mobile number in E.164"),
    identity.PhoneCountryRefused: Row(422, "phone_country_refused", "No messages go to that country"),
    identity.PhoneSignInOff: Row(403, "phone_sign_in_off", "This node sends no text messages"),
    identity.PhoneLimitReached: Row(429, "phone_limit_reached", "Too many codes"),
    identity.CodeTooSoon: Row(429, "code_too_soon", "The last code is too new for another one"),
    identity.SpendCeilingReached: Row(503, "sms_ceiling_reached", "No more messages are sent today"),
    identity.ChallengeUnknown: Row(404, "challenge_unknown", "There is no such challenge"),
    identity.HandleInvalid: Row(422, "handle_invalid", "It cannot be a handle"),
    identity.HandleTaken: Row(409, "handle_taken", "Somebody else has the handle"),
    identity.HandleTooSoon: Row(409, "handle_too_soon", "The handle was changed not long ago"),
    identity.CodeWrong: Row(401, "code_wrong", "That is not the code"),
    identity.CodeUsed: Row(401, "code_used", "The code was used already"),
    identity.CodeExpired: Row(401, "code_expired", "The code has run out"),
    identity.CodeTriesUsedUp: Row(401, "code_tries_used_up", "The code was guessed at too often"),
    # content
    content.CidInvalid: Row(422, "cid_invalid", "The CID is not of the form that this node uses"),
    content.ContentEmpty: Row(422, "content_empty", "There are no bytes to store"),
    content.ContentTooLarge: Row(413, "content_too_large", "The file is larger than this node takes"),
    content.ContentNameInvalid: Row(422, "content_name_invalid", "The file's name can't be used"),
    content.MediaTypeRefused: Row(415, "media_type_refused", "This node does not take that media type"),
    content.MediaTypeMismatch: Row(
        422, "media_type_mismatch", "The bytes are not of the declared media type"
    ),
    content.MetadataInvalid: Row(422, "metadata_invalid", "The token's metadata breaks the rules"),
    content.ContentNotFound: Row(404, "content_not_found", "This node does not hold that content"),
    content.ContentStoreUnavailable: Row(503, "content_store_away", "The content store does not answer"),
    # chain
    NotDeployed: Row(503, "not_deployed", "The contracts are not on this chain yet"),
    chain.RpcUnavailable: CHAIN_AWAY,
    chain.RpcLimited: CHAIN_AWAY,
    Disputed: CHAIN_AWAY,
    AnswerIncomplete: CHAIN_AWAY,
    chain.ReceiptPending: Row(503, "receipt_pending", "The transaction was sent and is not in a block yet"),
    chain.InsufficientNativeFunds: Row(409, "insufficient_native_funds", "The sender can't pay for it"),
    InsufficientTokenFunds: Row(409, "insufficient_token_funds", "The payer has too little of the token"),
    chain.NonceTooLow: Row(409, "transaction_nonce_too_low", "The sender used that nonce already"),
    chain.FeeTooLow: Row(409, "transaction_fee_too_low", "The transaction's fee is too low"),
    chain.TransactionInvalid: Row(422, "transaction_invalid", "The chain does not take the transaction"),
    chain.NotAContract: Row(404, "not_a_contract", "There is no such contract at that address"),
    chain.ExecutionReverted: Row(409, "execution_reverted", "The contract refuses"),
    NotRelayed: Row(403, "not_relayed", "This node does not pass on that transaction"),
    # nft
    nft.CollectionUnknown: Row(404, "collection_unknown", "There is no such collection"),
    nft.TokenUnknown: Row(404, "token_unknown", "There is no such token"),
    nft.NotCollectionOwner: Row(403, "not_collection_owner", "Only the collection's owner may do this"),
    nft.SupplyExhausted: Row(409, "supply_exhausted", "The collection is complete"),
    nft.SaltTaken: Row(409, "salt_taken", "The salt made a collection before"),
    nft.CollectionTermsInvalid: Row(422, "collection_terms_invalid", "No such collection can be made"),
    nft.MintInvalid: Row(422, "mint_invalid", "No such token can be minted"),
    # listing
    listing.ListingUnknown: Row(404, "listing_unknown", "There is no such listing"),
    listing.ListingCollectionUnknown: Row(
        404, "listing_collection_unknown", "The listing's collection is unknown"
    ),
    listing.ListedTokenUnknown: Row(404, "listing_token_unknown", "The listing's token does not exist"),
    listing.ListingInvalid: Row(422, "listing_invalid", "The listing makes no sense"),
    listing.ListingCurrencyRefused: Row(
        422, "listing_currency_refused", "The exchange does not take that currency"
    ),
    listing.ListingSignatureInvalid: Row(
        422, "listing_signature_invalid", "The signature is not the seller's"
    ),
    listing.ProceedsTooLow: Row(422, "proceeds_too_low", "The sale would bring the seller less"),
    listing.NotSeller: Row(403, "not_seller", "Only the seller may do this"),
    listing.NotTokenOwner: Row(403, "not_token_owner", "Only the token's owner can list it"),
    listing.NotForCaller: Row(403, "listing_for_another", "The listing is for another buyer"),
    listing.OwnListing: Row(403, "own_listing", "The seller cannot buy its own listing"),
    listing.ListingNonceUsed: Row(409, "listing_nonce_used", "The listing's nonce is used up"),
    listing.ListingEpochMoved: Row(409, "listing_epoch_moved", "The seller cancelled that epoch"),
    listing.ListingNotActive: Row(409, "listing_not_active", "The listing cannot be settled now"),
    listing.QuoteUnknown: Row(404, "quote_unknown", "There is no such quote"),
    listing.QuoteInvalid: Row(422, "quote_invalid", "The quote makes no sense"),
    listing.QuoteSignatureInvalid: Row(422, "quote_signature_invalid", "The signature is not the maker's"),
    listing.TokenNotWanted: Row(422, "token_not_wanted", "The offer is not for that token"),
    listing.NotMaker: Row(403, "not_maker", "Only the quote's maker may do this"),
    listing.QuoteForAnother: Row(403, "quote_for_another", "The quote is for another taker"),
    listing.OwnQuote: Row(403, "own_quote", "The maker cannot take its own quote"),
    listing.QuoteNotActive: Row(409, "quote_not_active", "The quote cannot be settled now"),
    listing.NothingToSweep: Row(409, "nothing_to_sweep", "Nothing of it can be bought so"),
    listing.NoncesExhausted: Row(409, "nonces_exhausted", "Too many nonces are used up"),
    # translation
    translation.TranslationUnknown: Row(404, "translation_unknown", "There are no words in that language"),
    translation.LanguageIsOwn: Row(409, "language_is_own", "The language is the market's own"),
    translation.TooManyTranslations: Row(409, "too_many_translations", "It is told in too many languages"),
    # transaction
    transaction.NotSender: Row(403, "not_sender", "Another wallet signed the transaction"),
    transaction.RelayRateExceeded: Row(429, "relay_rate_exceeded", "Too many transactions in a minute"),
    transaction.TransactionUnknown: Row(404, "transaction_unknown", "Nobody knows that transaction"),
    # governance
    governance.ProposalUnknown: Row(404, "proposal_unknown", "There is no such proposal"),
    governance.ProposalExists: Row(409, "proposal_exists", "The same was proposed before"),
    governance.BelowThreshold: Row(409, "below_proposal_threshold", "Too few votes to make a proposal"),
    governance.WrongProposalState: Row(
        409, "wrong_proposal_state", "The proposal's state does not allow this"
    ),
    governance.TimelockRuns: Row(409, "timelock_runs", "The timelock's delay is not over"),
    governance.VotedAlready: Row(409, "voted_already", "One account votes once"),
    governance.NoVotes: Row(409, "no_votes", "No votes when the vote began"),
    governance.NotTheProposer: Row(403, "not_the_proposer", "Only the proposer may do this"),
    governance.ActionInvalid: Row(422, "action_invalid", "A call of the proposal cannot be made"),
    governance.BallotUnknown: Row(404, "ballot_unknown", "Nobody handed in such a ballot"),
    governance.BallotSignatureInvalid: Row(
        422, "ballot_signature_invalid", "The signature is not the voter's"
    ),
    governance.BallotNonceUsed: Row(409, "ballot_nonce_used", "The ballot's nonce is not the voter's next"),
    governance.GovernorUnread: Row(503, "governor_unread", "The DAO's contracts were not read yet"),
    # indexer and worker: no request meets these, but every class has a row
    sms.SmsAway: Row(503, "sms_away", "No carrier takes messages now"),
    sms.SmsRefused: Row(403, "sms_refused", "No carrier takes that message"),
    sms.CarrierUnknown: Row(404, "carrier_unknown", "No carrier of that name reports here"),
    sms.ReportForged: Row(403, "report_forged", "The report is not signed by the carrier"),
    sms.ReportMalformed: Row(422, "report_malformed", "The report is not in the carrier's form"),
    rpc.RangeTooLarge: CHAIN_AWAY,
    rpc.CallReverted: CHAIN_AWAY,
    rpc.ChainMoved: CHAIN_AWAY,
    rpc.NodeRefused: CHAIN_AWAY,
    ConsumerStalled: Row(503, "consumer_stalled", "A consumer of events pauses"),
}

ERRORS |= {
    # markets
    market.MarketUnknown: Row(404, "market_unknown", "There is no such market"),
    market.NotMarketOwner: Row(403, "not_market_owner", "The market belongs to another account"),
    market.MemberUnknown: Row(404, "member_unknown", "They don't work in the market"),
    market.OwnerStays: Row(409, "owner_stays", "A market always has its owner"),
    market.AlreadyMember: Row(409, "already_member", "The account works in the market already"),
    market.InvitationUnknown: Row(404, "invitation_unknown", "There is no such invitation"),
    market.InvitationOver: Row(409, "invitation_over", "The invitation does not count any more"),
    market.TooManyInvitations: Row(409, "too_many_invitations", "Too many invitations are open"),
    market.SlugInvalid: Row(422, "slug_invalid", "The slug can't be used"),
    market.SlugTaken: Row(409, "slug_taken", "Another market has that slug"),
    LanguageInvalid: Row(422, "language_invalid", "That is not a language tag"),
    market.ArbiterUnknown: Row(422, "arbiter_unknown", "The node does not offer that arbiter"),
    market.PolicyInvalid: Row(422, "policy_invalid", "The node does not allow that policy"),
    # products
    catalog.ProductUnknown: Row(404, "product_unknown", "There is no such product"),
    catalog.ProductNotForSale: Row(409, "product_not_for_sale", "The product is not for sale"),
    catalog.OutOfStock: Row(409, "out_of_stock", "Fewer units are left"),
    catalog.SkuTaken: Row(409, "sku_taken", "Another product of the market has that SKU"),
    catalog.PriceInvalid: Row(422, "price_invalid", "The price is zero or too high"),
    catalog.CurrencyUnknown: Row(422, "currency_unknown", "Prices are not in that asset here"),
    charge.TaxUnknown: Row(404, "tax_unknown", "The market has no taxes in that country"),
    charge.ShippingMethodUnknown: Row(
        404, "shipping_method_unknown", "The market has no such way of shipping"
    ),
    charge.ChargeInvalid: Row(422, "charge_invalid", "A rate or a price is out of its bounds"),
    charge.TaxTooLarge: Row(409, "tax_too_large", "The node has less of the market's tax"),
    charge.TooManyCharges: Row(409, "too_many_charges", "The market has too many ways of shipping"),
    charge.CountryNeeded: Row(422, "country_needed", "The country is needed"),
    charge.ShippingMethodNeeded: Row(422, "shipping_method_needed", "A way of shipping is needed"),
    charge.CountryNotServed: Row(409, "country_not_served", "The market does not ship there"),
    charge.ShippingMethodUnfit: Row(409, "shipping_method_unfit", "The order can't be shipped that way"),
    # auctions
    auction.AuctionUnknown: Row(404, "auction_unknown", "There is no such auction"),
    auction.AuctionInvalid: Row(422, "auction_invalid", "The auction makes no sense"),
    auction.AuctionTokenNotOwned: Row(
        403, "auction_token_not_owned", "Only the token's owner can auction it"
    ),
    auction.NotAuctionSeller: Row(403, "not_auction_seller", "Only the seller may do this"),
    auction.OwnAuction: Row(403, "own_auction", "A seller does not bid"),
    auction.WrongAuctionState: Row(409, "wrong_auction_state", "The auction's state does not allow this"),
    auction.BidTooLow: Row(409, "bid_too_low", "The bid does not top the highest"),
    # orders
    order.OrderUnknown: Row(404, "order_unknown", "There is no such order"),
    order.NotThatParty: Row(403, "not_that_party", "This is for another party of the order"),
    order.WrongOrderState: Row(409, "wrong_order_state", "The order's state forbids it"),
    order.ReleaseUnknown: Row(404, "release_unknown", "The buyer signed no such release"),
    order.ReleaseInvalid: Row(422, "release_invalid", "The release makes no sense"),
    order.ReleaseSignatureInvalid: Row(422, "release_signature_invalid", "The signature is not the buyer's"),
    order.ReleaseSpent: Row(409, "release_spent", "The release was used or voided"),
    order.TooManyReleases: Row(409, "too_many_releases", "The order has all the releases it may have"),
    credit.NoPayouts: Row(422, "no_payouts", "No contract of ours pays out there"),
    permit.PermitUnsupported: Row(409, "permit_unsupported", "The token takes no permits"),
    permit.PermitInvalid: Row(422, "permit_invalid", "The permit is not signed by a key"),
    order.DeadlineNotReached: Row(409, "deadline_not_reached", "The other side still has time"),
    order.DeadlinePassed: Row(409, "deadline_passed", "The time for it is over"),
    order.PaymentSeen: Row(409, "payment_seen", "The order's money is on its way"),
    order.AppealNotAgreed: Row(409, "appeal_not_agreed", "The buyer named a court that was not agreed on"),
    order.EscrowMoved: Row(409, "escrow_moved", "The order's escrow is another contract"),
    order.OwnProduct: Row(409, "own_product", "Nobody buys from themselves"),
    order.TooManyUnpaidOrders: Row(409, "too_many_unpaid_orders", "Pay or cancel some orders first"),
    order.OrderTooLarge: Row(422, "order_too_large", "The amount is beyond what an escrow can hold"),
    order.SplitTooLarge: Row(422, "split_too_large", "The split gives away more than is held"),
    order.TooManyStatements: Row(409, "too_many_statements", "Enough was said about the order"),
    escrow.EscrowUnknown: Row(404, "escrow_unknown", "No such escrow was seen on the chain"),
}

ERRORS |= {
    # wallets
    transfer.WalletTransferUnknown: Row(404, "transfer_not_found", "There is no such transfer"),
    transfer.TransferLapsed: Row(409, "transfer_lapsed", "The transfer was not confirmed in time"),
    transfer.ReceiverUnknown: Row(404, "receiver_unknown", "Nobody is found by that"),
    transfer.ReceiverGone: Row(409, "receiver_gone", "The receiver takes no money any more"),
    transfer.OwnWallet: Row(422, "own_wallet", "Nobody pays themselves"),
    transfer.PhonesTakeNoMoney: Row(403, "phones_take_no_money", "Nobody signs in by phone here"),
    transfer.RequestUnknown: Row(404, "money_request_unknown", "There is no such request for money"),
    transfer.RequestOver: Row(409, "money_request_over", "The request is paid, cancelled or has run out"),
    transfer.RequestFixed: Row(422, "money_request_fixed", "The request names another asset or amount"),
    transfer.AmountMissing: Row(422, "amount_missing", "Nobody says how much of what"),
    transfer.TooManyRequests: Row(409, "too_many_money_requests", "Too many requests are open"),
    spending.LimitExceeded: Row(409, "limit_exceeded", "It is more than may leave the wallet"),
    payout.ReserveNeeded: Row(409, "reserve_needed", "A part stays for refunds"),
    payout.NothingToPay: Row(409, "nothing_to_pay", "There is nothing to be paid out"),
    payout.PayoutRailUnfit: Row(422, "payout_rail_unfit", "It cannot be paid that way"),
    payout.IbanInvalid: Row(422, "iban_invalid", "Not an account number of ISO 13616"),
    payout.PayoutAddressRefused: Row(422, "payout_address_refused", "Not to that address"),
    payout.PayoutAddressNew: Row(409, "payout_address_new", "The address is not paid yet"),
    payout.OwnPayout: Row(403, "own_payout", "Somebody else decides on one's own money"),
    payout.PayoutUnknown: Row(404, "payout_unknown", "There is no such payout"),
    payout.WrongPayoutState: Row(409, "wrong_payout_state", "The payout is at another point"),
    rate.RateUnknown: Row(404, "rate_unknown", "Nobody says what that is worth"),
    rate.RateStale: Row(409, "rate_stale", "The newest rate is too old"),
    rate.RateSourceAway: Row(503, "rate_source_away", "The source of rates does not answer"),
    rate.RateSourceUnreadable: Row(422, "rate_source_unreadable", "The source of rates can't be read"),
    rate.SameAsset: Row(422, "same_asset", "Nothing is exchanged for itself"),
    rate.LiquidityShort: Row(409, "liquidity_short", "The node does not have that much to give now"),
    rate.ExchangeTooSmall: Row(422, "exchange_too_small", "Not one unit would come back"),
    rate.ExchangeQuoteUnknown: Row(404, "exchange_quote_unknown", "There is no such quote"),
    rate.ExchangeQuoteLapsed: Row(409, "exchange_quote_lapsed", "The price does not hold any more"),
    # payments
    payment.PaymentUnknown: Row(404, "payment_unknown", "There is no such payment"),
    payment.WrongPaymentState: Row(409, "wrong_payment_state", "The payment's state forbids it"),
    payment.PartTooLarge: Row(409, "part_too_large", "More than is left of the payment"),
    payment.PartInvalid: Row(422, "part_invalid", "A part of a payment is at least one unit"),
    payment.RailUnknown: Row(422, "rail_unknown", "There is no such way to pay"),
    gateway.GatewayAway: Row(503, "gateway_away", "The gateway does not answer"),
    gateway.GatewayRefused: Row(409, "gateway_refused", "The gateway did not do it"),
    gateway.GatewayUnknown: Row(404, "gateway_unknown", "No such gateway takes that money here"),
    gateway.ReturnUrlInvalid: Row(422, "return_url_invalid", "Payers don't come back there"),
    gateway.CallbackForged: Row(403, "callback_forged", "The callback is not the gateway's"),
    gateway.CallbackMalformed: Row(422, "callback_malformed", "The callback can't be read"),
    order.OtherRail: Row(409, "other_rail", "The order is paid in another way"),
    order.RailUnfit: Row(422, "rail_unfit", "It can't be paid in that way"),
    order.AlreadyPaid: Row(409, "already_paid", "The order's money is here or on its way"),
    # the ledger
    ledger.InsufficientFunds: Row(409, "insufficient_funds", "The account has too little available"),
    ledger.AccountFrozen: Row(403, "account_frozen", "An operator froze the account"),
    ledger.AccountClosed: Row(409, "account_closed", "The account is closed"),
    ledger.AccountNotEmpty: Row(409, "account_not_empty", "Only an empty account can be closed"),
    ledger.AccountWithoutFloor: Row(409, "account_without_floor", "The account never runs dry"),
    ledger.LedgerAccountUnknown: Row(404, "ledger_account_unknown", "The ledger has no such account"),
    ledger.AssetUnknown: Row(422, "asset_unknown", "No accounts are kept in that asset"),
    ledger.CurrencyMismatch: Row(422, "currency_mismatch", "The account counts in another asset or exponent"),
    ledger.AmountInvalid: Row(422, "amount_invalid", "An amount is a whole number from 1 to 2^256 - 1"),
    ledger.AmountOverflow: Row(409, "amount_overflow", "The account would hold 2^256 or more"),
    ledger.SelfTransfer: Row(422, "self_transfer", "Source and destination are the same"),
    ledger.TransferUnknown: Row(404, "transfer_unknown", "There is no such transfer"),
    ledger.NotReversible: Row(409, "not_reversible", "A reversal can't be reversed"),
    ledger.ReversalExceeded: Row(409, "reversal_exceeded", "More would go back than came"),
    ledger.HoldUnknown: Row(404, "hold_unknown", "There is no such hold"),
    ledger.HoldExpired: Row(409, "hold_expired", "The hold's time is over"),
    ledger.HoldEnded: Row(409, "hold_ended", "The hold was captured or voided"),
    ledger.HoldExceeded: Row(409, "hold_exceeded", "More would be captured than is held"),
    treasury.TreasuryMissing: Row(409, "treasury_missing", "The node keeps no money on its chain"),
    treasury.OutgoingUnknown: Row(404, "outgoing_unknown", "There is no such transaction of the node"),
    treasury.OutgoingMayArrive: Row(409, "outgoing_may_arrive", "The chain may still take it"),
    deposit.DepositsNotReady: Row(503, "deposits_not_ready", "The chain was not read yet"),
    deposit.DepositAddressUnknown: Row(404, "deposit_address_unknown", "No such deposit address"),
    deposit.AssetNotTaken: Row(404, "asset_not_taken", "No deposits are taken in that asset"),
    deposit.DepositUnknown: Row(404, "deposit_unknown", "There is no such deposit"),
    deposit.DepositNotVanished: Row(409, "deposit_not_vanished", "There is no open loss of that deposit"),
    withdrawal.WithdrawalsClosed: Row(403, "withdrawals_closed", "Nothing can be withdrawn for a while"),
    withdrawal.WithdrawalAddressRefused: Row(422, "withdrawal_address_refused", "Not to that address"),
    withdrawal.WithdrawalUnknown: Row(404, "withdrawal_unknown", "There is no such withdrawal"),
    withdrawal.WithdrawalStateWrong: Row(409, "withdrawal_state_wrong", "It does not wait any more"),
    withdrawal.WithdrawalAssetUnknown: Row(404, "withdrawal_asset_unknown", "No such asset is paid out"),
    withdrawal.OwnWithdrawal: Row(403, "own_withdrawal", "Somebody else decides on one's own money"),
    incident.IncidentUnknown: Row(404, "incident_unknown", "There is no such incident"),
    incident.IncidentResolved: Row(409, "incident_resolved", "The incident was resolved before"),
    incident.ReasonMissing: Row(422, "reason_missing", "Say why"),
    balance.FaucetClosed: Row(403, "faucet_closed", "Play money is for development chains"),
    ledger.LedgerKeyReused: Row(409, "ledger_key_reused", "The key belongs to another command"),
}

HTTP_TITLES: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request can't be read"),
    404: ("no_such_route", "There is no such route"),
    405: ("method_not_allowed", "The route does not know this method"),
    408: ("body_too_slow", "The body did not come in time"),
    413: ("body_too_large", "The body is too large"),
}


def row_of(error_type: type[AsoudError]) -> Row:
    """The row of the class, or of the nearest class above it that has one."""
    return next((ERRORS[base] for base in error_type.__mro__ if base in ERRORS), ERRORS[Bug])


def problem_of(error: AsoudError) -> Response:
    """The answer to a domain error. A `Bug` says nothing of our insides."""
    row = row_of(type(error))
    if row.status >= 500 and not isinstance(error, Transient):  # noqa: PLR2004 - HTTP's own boundary
        return internal_problem()
    headers: dict[str, str] = {}
    if isinstance(error, Transient) or "retry_after_s" in error.fields:
        headers["Retry-After"] = str(error.fields.get("retry_after_s") or RETRY_AFTER_S)
    if row.status == 401:  # noqa: PLR2004 - RFC 9110, section 11.6.1: a 401 names its scheme
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        row.status, row.code, row.title, detail=error.message, fields=error.fields, headers=headers
    )


def internal_problem() -> Response:
    row = ERRORS[Bug]
    detail = "The error was logged; quote the request id when you report it"
    return problem(row.status, row.code, row.title, detail=detail)


def validation_problem(error: RequestValidationError) -> Response:
    """Where the input is wrong, as JSON pointers (RFC 6901); never the input itself, it may be a secret."""
    details = error.errors()
    if any(entry["type"] == "json_invalid" for entry in details):
        return problem(400, *HTTP_TITLES[400], detail="The body is not JSON")
    errors = [{"pointer": pointer(e["loc"]), "message": str(e["msg"])} for e in details[:DETAILS_MAX]]
    row = ERRORS[Invalid]
    return problem(row.status, row.code, row.title, detail="Some fields are wrong", errors=errors)


def pointer(location: tuple[str | int, ...]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def http_problem(error: HTTPException) -> Response:
    code, title = HTTP_TITLES.get(error.status_code, (f"http_{error.status_code}", "The request failed"))
    return problem(
        error.status_code, code, title, detail=str(error.detail), headers=dict(error.headers or {})
    )


async def _domain(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AsoudError)
    if row_of(type(error)).status >= 500:  # noqa: PLR2004 - HTTP's own boundary
        log.error("request_failed", error=type(error).__name__, fields=error.fields, exc_info=error)
    return problem_of(error)


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return validation_problem(error)


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return http_problem(error)


def install(app: FastAPI) -> None:
    """Unknown exceptions are answered by `api.middleware.RequestContext`, outside of everything else."""
    app.add_exception_handler(AsoudError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
