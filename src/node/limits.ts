/** A proposal or block with its envelope; genesis bounds blocks at or below this. */
export const BLOCK_MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Transactions gossiped together, and their bytes with their lengths; the topic allows 64 KiB. */
export const TRANSACTIONS_PER_MESSAGE_MAX = 256;
export const TRANSACTIONS_MESSAGE_BYTES_MAX = 60 * 1024;
/** Own transactions wait so long for others to travel with, unless none went before them. */
export const TRANSACTIONS_GATHER_MS = 40;
/** Of one message, how many are verified first; each group after it is so many times larger. */
export const VERIFIED_FIRST = 16;
export const VERIFIED_GROWTH = 4;
/** Transactions of one peer judged at once; more wait for their turn. */
export const JUDGED_AT_ONCE_MAX = 512;
/** Of one peer, how many may come to nothing, at once and for ever; beyond, it is not read. */
export const USELESS_BURST = 512;
export const USELESS_PER_SECOND = 64;
/** So many that are held already cost as much as one whose signatures were checked in vain. */
export const HELD_PER_USELESS = 16;
/** Peers whose allowance is remembered; beyond, the longest known is forgotten. */
export const ALLOWED_PEERS_MAX = 1_024;
/** A pending transaction that comes again is gossiped again if it was not for so long. */
export const GOSSIPED_AGAIN_MS = 5_000;
/** Share of the time that a round waits for a block in which one is made, or checked. */
export const BLOCK_TIME_SHARE = 0.1;
/** Transactions that a block may hold however slow the machine is. */
export const PACED_TRANSACTIONS_MIN = 128;
/** Blocks in one answer; the answer's size is bounded too, so large blocks come fewer. */
export const BLOCKS_PER_RESPONSE_MAX = 128;
export const BLOCKS_RESPONSE_BYTES_MAX = 6 * 1024 * 1024;
/** Executed proposals kept until one of them is decided; each holds its state changes. */
export const EXECUTED_BLOCKS_KEPT_MAX = 8;
/**
 * Signed transactions known to be verified, by the hash of their signed bytes; whatever is signed
 * well gets in, so their bytes are bounded too.
 */
export const VERIFIED_TRANSACTIONS_KEPT_MAX = 50_000;
export const VERIFIED_BYTES_KEPT_MAX = 32 * 1024 * 1024;
/** Diagnostics kept for the Node page. */
export const TRACE_LINES_KEPT_MAX = 500;
/** Followed transactions whose fate is remembered for `transaction.status`. */
export const TRACKED_TRANSACTIONS_MAX = 10_000;
/** Events waiting for one machine; a peer that fills it is answered with silence. */
export const MAILBOX_EVENTS_MAX = 4096;
/** Of these, proposals: each may be as large as a block. A leader that signs many fills it. */
export const PROPOSALS_WAITING_MAX = 16;
/** A proposal's time may be this far from our clock; beyond, an honest node prevotes nil. */
export const CLOCK_AHEAD_MS_MAX = 5_000;
export const CLOCK_BEHIND_MS_MAX = 30_000;
/** How often sync looks at its clock. */
export const SYNC_TICK_MS = 1_000;
/** How often each peer is asked for its head. */
export const STATUS_INTERVAL_MS = 10_000;
/** What a peer told of its head counts this long; two questions may go unanswered. */
export const STATUS_KEPT_MS = 35_000;
/** A validator that just woke up signs after this long, even if no peer told its head. */
export const SIGNING_HOLD_MS_MAX = 10_000;
/** How often a node looks whether it ran on; after a pause as long as the second it slept. */
export const AWAKE_TICK_MS = 1_000;
export const SLEPT_MS = 5_000;
/** A peer that seems to be ahead of us is asked for its head at most this often. */
export const HINT_INTERVAL_MS = 500;
/** After a peer came, our own pending transactions are gossiped again: its mesh needs a moment. */
export const REMINDER_DELAY_MS = 1_000;
/** Of our own pending transactions, how many are gossiped again at a time. */
export const REMINDERS_MAX = 100;
/** Own transactions remembered for that; beyond, the oldest relies on having been heard. */
export const OWN_PENDING_MAX = 1_000;
/** Proofs of equivocation told at once. */
export const EVIDENCE_LISTED_MAX = 256;
/** Grants that one caller (an IP address, or a peer without one) may ask for in a window. */
export const FAUCET_GRANTS_PER_CALLER_MAX = 20;
/** All callers together whose address nobody knows: peer ids cost nothing. */
export const FAUCET_GRANTS_TO_UNKNOWN_MAX = 200;
/** Callers on this very machine: on a local network everybody has that address. */
export const FAUCET_GRANTS_TO_LOOPBACK_MAX = 1_000;
/** Grants being made or waiting for it; more are told to come back. */
export const FAUCET_WAITING_MAX = 64;
/** How soon those may come back whom the moment refuses, not a rule. */
export const FAUCET_RETRY_MS = 2_000;
export const FAUCET_WINDOW_MS = 3_600_000;
/** Callers and recipients remembered; beyond, the oldest window is forgotten. */
export const FAUCET_CALLERS_MAX = 10_000;
/** Heights that a transaction made by this node itself stays valid. */
export const OWN_VALIDITY_HEIGHTS = 200;
/** Keys proven by one answer. */
export const PROVEN_KEYS_MAX = 64;
/** Places of an account told to a peer at once: each is one block to find and decode. */
export const HISTORY_PLACES_MAX = 20;
/**
 * What proofs for one peer may cost, in units of about one block decoded: at once, and for ever.
 * Somebody who follows a few accounts at every block needs a tenth.
 */
export const ANSWER_UNITS_BURST = 800;
export const ANSWER_UNITS_PER_SECOND = 50;
/** Keys that one unit proves, and changes of membership that it looks for a way through. */
export const KEYS_PER_UNIT = 4;
/** Proofs made at once, for one peer and for all. */
export const ANSWERED_PER_PEER_MAX = 2;
export const ANSWERED_AT_ONCE_MAX = 6;
/** Peers whose units are remembered; beyond, the longest known is forgotten. */
export const ANSWERED_PEERS_MAX = 1_024;
/** Proven values of one head kept in memory; a new head drops them. */
export const PROVEN_VALUES_KEPT_MAX = 20_000;
export const PROVEN_BYTES_KEPT_MAX = 8 * 1024 * 1024;
/** Rounds of proofs after which a reading that still misses keys is given up. */
export const PROOF_ROUNDS_MAX = 64;
/** A peer that has not answered after so long gets another one asked beside it. */
export const HEDGE_MS = 700;
/** Voices that are asked for a history, and how long the others are waited for after the first. */
export const HISTORY_VOICES = 3;
export const HISTORY_OTHERS_MS = 1_000;
/** So far below what is asked for a peer's head may have been when it last told it. */
export const HISTORY_HEAD_LAG = 64;
/** How long one question to one peer may take. */
export const QUESTION_TIMEOUT_MS = 8_000;
/** Peers that one question may go to. */
export const QUESTION_PEERS_MAX = 6;
/** How often the light client looks at its clock. */
export const LIGHT_TICK_MS = 1_000;
/** The newest proven head is written at most so often: an older one costs a request more. */
export const LIGHT_HEAD_STORED_MS = 10_000;
/** How soon a checkpoint that the settings name is looked for again: doubled to the second. */
export const CHECKPOINT_AGAIN_MS = 1_000;
export const CHECKPOINT_AGAIN_MS_MAX = 60_000;
/** So long replay waits for the checkpoint of the settings, if it may leave signatures to it. */
export const CHECKPOINT_AWAITED_MS = 30_000;
/** Ranges of unchecked blocks remembered; beyond, two neighbours count with what is between them. */
export const UNSIGNED_RANGES_MAX = 16;
/** Blocks that were fetched and proven, kept by the bytes of their transactions. */
export const FETCHED_BLOCKS_KEPT_BYTES = 4 * 1024 * 1024;
/** Summaries are asked for in runs of so many blocks. */
export const SUMMARY_RUN = 16;
/** Of answers that are one value, below what the network carries. */
export const ANSWER_BYTES_MAX = 7 * 1024 * 1024;
/** Snapshots that a peer may offer at a time. */
export const SNAPSHOTS_OFFERED_MAX = 8;
/** Chunks of one question, and bytes after which an answer is cut short. */
export const CHUNKS_PER_REQUEST_MAX = 64;
export const CHUNKS_ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** Transactions of a block that are hashed for one unit. */
export const LEAVES_PER_UNIT = 500;
/** Transactions of a block that are decoded for one unit, beside that which any block costs. */
export const DECODED_PER_UNIT = 1_000;
/** Work on an answer after which the thread is let go of for a moment. */
export const ANSWER_SLICE_MS = 8;
/** So long whoever wants test coins waits for a first relay to say that it is one. */
export const FAUCET_RELAY_WAIT_MS = 8_000;
/** Units that looking for a page of a peer's costs: it may be in any of many states. */
export const PAGE_UNITS = 8;
/** So long a reading waits for a damaged page, while peers are asked a few times. */
export const MEND_WAIT_MS = 20_000;
/** So long it waits where no peer is there at all: whoever is offline sees what there is then. */
export const MEND_ALONE_MS = 6_000;
/** Peers of one question for a page: one after the other within the time, were all silent. */
export const MEND_PEERS_MAX = 24;
export const MEND_ROUNDS_MAX = 4;
export const MEND_AGAIN_MS = 1_500;
/** A page that nobody had is not waited for again so soon. */
export const MEND_FORGOTTEN_MS = 60_000;
/** Pages put back in one life; a disk that loses more is not to be filled by peers for ever. */
export const PAGES_MENDED_MAX = 1_024;
/** A snapshot is fetched when it is so many blocks above our head; fewer are executed sooner. */
export const SNAPSHOT_WORTH_BLOCKS = 512;
/** So long a told head, far above ours, keeps blocks from being asked for while it is proven. */
export const SNAPSHOT_DECIDED_MS = 5_000;
/** After a snapshot that came to nothing the next is looked for: where blocks can be had, or not. */
export const SNAPSHOT_AGAIN_MS = 60_000;
export const SNAPSHOT_NEEDED_AGAIN_MS = 5_000;
/** Blocks that a full node in a tab keeps unless its person says otherwise. */
export const TAB_BLOCKS_KEPT = 4_096;
/** Peers are asked what they offer for so long, and again after so long. */
export const OFFERS_TIMEOUT_MS = 8_000;
export const OFFERS_AGAIN_MS = 15_000;
/** Of that, so long it is waited for; whoever tells later is taken into account then. */
export const OFFERS_WAITED_MS = 3_000;
/** Questions in a row that somebody may leave open before it counts as offering nothing. */
export const SILENCES_MAX = 3;
/** So long manifests of others are preferred to those of a peer whose chunks nobody could serve. */
export const GIVER_DOUBTED_MS = 600_000;
/** Work on chunks after which the thread is let go of for a moment. */
export const CHUNK_SLICE_MS = 8;
/** Chunks verified and not written yet, in bytes, that one write takes. */
export const CHUNKS_WRITTEN_BYTES = 1024 * 1024;
/** Blocks of a fate looked for one by one; beyond, peers are asked where a transaction stands. */
export const FATE_BLOCKS_MAX = 128;
/**
 * Bytes of blocks from peers that are decoded and have their signatures checked ahead of execution:
 * enough to keep every core busy, and so little that what was decoded is used before it is moved by
 * the collector of garbage. The two blocks next in line are always among them.
 */
export const VERIFY_AHEAD_BYTES = 160 * 1024;
