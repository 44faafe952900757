//! Every bound of the server, by name. What goes past one is refused with a clear error.

use std::time::Duration;

/// How long a request may take unless the client says otherwise.
pub const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Longest a client may ask to wait for anything.
pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Largest HTTP body: a value of the largest size as a JSON string in which every byte is escaped (`\\u0001`), and
/// the JSON around it.
pub const fn body_bytes_max(value_bytes_max: usize) -> usize {
    value_bytes_max * 6 + (64 << 10)
}
/// Most operations in one `POST /v1/batch`.
pub const BATCH_OPERATIONS_MAX: usize = 1000;
/// Largest table `LCS` makes, in cells of 4 bytes: it is filled in some 10 ms.
pub const LCS_CELLS_MAX: usize = 4 << 20;
/// Commands waiting for a group's batcher; past it `queue-full`.
pub const PROPOSALS_QUEUED_MAX: usize = 16_384;
/// Bytes of commands waiting for a group's batcher; past it `queue-full`.
pub const PROPOSAL_BYTES_QUEUED_MAX: usize = 256 << 20;
/// Packed entries of one group that may be on their way through Raft at once.
pub const PROPOSALS_IN_FLIGHT_MAX: usize = 2;
/// Turns of the scheduler for which an entry waits while more and more commands come for it.
pub const GATHERING_TURNS_MAX: usize = 4;
/// Reads waiting for a group's next read-index round; past it `queue-full`.
pub const READS_QUEUED_MAX: usize = 65_536;
/// Largest frame between peers.
pub const FRAME_BYTES_MAX: usize = 80 << 20;
/// Bytes queued towards one peer on one lane; past it new messages are refused unsent.
pub const PEER_QUEUE_BYTES_MAX: usize = 128 << 20;
/// Messages queued towards one peer on one lane.
pub const PEER_QUEUE_MESSAGES_MAX: usize = 65_536;
/// HTTP connections one node serves at once.
pub const HTTP_CONNECTIONS_MAX: usize = 16_384;
/// How long an HTTP client may take to send a request's head, or idle between two requests.
pub const HTTP_HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest head of an HTTP request, in bytes.
pub const HTTP_HEAD_BYTES_MAX: usize = 64 << 10;
/// How long requests under way may take to finish when the HTTP listener stops.
pub const HTTP_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a refused body read and thrown away, so that its sender gets to see why it was refused.
pub const HTTP_LINGER_BYTES_MAX: usize = 64 << 20;
/// How long that may take.
pub const HTTP_LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest request id taken over from a client, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Slow operations of a node that are kept to be looked at.
pub const SLOW_KEPT_MAX: usize = 128;
/// Slow operations logged in one second; those left out are counted.
pub const SLOW_LINES_PER_SECOND_MAX: usize = 10;
/// Bytes of a slow operation's key that are told, where keys may be.
pub const SLOW_KEY_BYTES_MAX: usize = 128;
/// How long a collector of spans may take to answer, and how long a stop waits for the last spans to be sent.
pub const OTLP_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest answer of such a collector that is read, in bytes.
pub const OTLP_ANSWER_BYTES_MAX: usize = 64 << 10;
/// Longest filter of the log, in bytes.
pub const LOG_FILTER_BYTES_MAX: usize = 4 << 10;
/// Longest body of `PUT /v1/log`, in bytes: such a filter as a JSON string in which every byte is escaped.
pub const LOG_FILTER_BODY_BYTES_MAX: usize = LOG_FILTER_BYTES_MAX * 6 + 1024;
/// Part of the time for a stop that is kept for the node itself, once its clients are served: to hand leaderships over,
/// to end its groups, to close its log. At most half of that time.
pub const NODE_STOP_RESERVE: Duration = Duration::from_secs(4);
/// How long a process that ends still waits for work that blocks, such as a disk that hangs.
pub const BLOCKED_WORK_TIMEOUT: Duration = Duration::from_millis(500);
/// Shortest time for a stop that may be asked for.
pub const DRAIN_TIMEOUT_MIN: Duration = Duration::from_secs(1);
/// Longest time for a stop that may be asked for.
pub const DRAIN_TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// Connections of the Redis protocol served at once on one address, unless configured otherwise.
pub const RESP_CONNECTIONS_DEFAULT: usize = 10_000;
/// Most arguments of one command of the Redis protocol.
pub const RESP_ARGUMENTS_MAX: usize = 1 << 20;
/// Longest line of the Redis protocol: an inline command, or a length, in bytes.
pub const RESP_LINE_BYTES_MAX: usize = 64 << 10;
/// Most arguments of a command of who has to show a token first.
pub const RESP_STRANGER_ARGUMENTS_MAX: usize = 10;
/// Longest argument of such a command, in bytes.
pub const RESP_STRANGER_BULK_BYTES_MAX: usize = 16 << 10;
/// Room of an argument of the Redis protocol above the longest value, so that a value a little too long is
/// answered and not cut off.
pub const RESP_BULK_ROOM: usize = 1 << 20;
/// Most bytes of one command of the Redis protocol, for values up to `value_bytes_max`.
pub const fn resp_command_bytes_max(value_bytes_max: usize) -> usize {
    2 * value_bytes_max + (64 << 20)
}
/// Commands of one connection carried out together; what came behind them waits.
pub const RESP_BATCH_COMMANDS_MAX: usize = 1024;
/// Bytes of commands of one connection carried out together, but for a single larger command.
pub const RESP_BATCH_BYTES_MAX: usize = 4 << 20;
/// Bytes read from a connection at once.
pub const RESP_READ_BYTES: usize = 16 << 10;
/// Bytes of answers a connection may have waiting before its commands are no longer read.
pub const RESP_OUTPUT_BYTES_MAX: usize = 64 << 20;
/// How long a client that has answers waiting may take to read any of them.
pub const RESP_STALL_MAX: Duration = Duration::from_secs(30);
/// Buffers of a connection that are larger than this are given back once they are empty.
pub const RESP_BUFFER_KEPT_BYTES: usize = 1 << 10;
/// Bytes a client may still send, to be thrown away, after the last answer of its connection.
pub const RESP_LINGER_BYTES_MAX: usize = 16 << 20;
/// How long that may take.
pub const RESP_LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long commands under way may take to finish when a listener of the Redis protocol stops.
pub const RESP_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of matching keys past which `KEYS` is refused.
pub const RESP_KEYS_BYTES_MAX: usize = 64 << 20;
/// Longest `DEBUG SLEEP`.
pub const RESP_DEBUG_SLEEP_MAX: Duration = Duration::from_secs(60);
/// Silence on a connection after which the system asks whether its client is still there.
pub const RESP_KEEPALIVE: Duration = Duration::from_secs(300);
/// Commands of one transaction that wait for `EXEC`.
pub const RESP_QUEUED_COMMANDS_MAX: usize = 10_000;
/// Bytes those take.
pub const RESP_QUEUED_BYTES_MAX: usize = 64 << 20;
/// Most words of a command about connections or the server, since each may ask for a whole description.
pub const RESP_SERVER_WORDS_MAX: usize = 1024;
/// Longest name of a connection or of its library, in bytes.
pub const RESP_NAME_BYTES_MAX: usize = 256;
/// Keys one connection may watch.
pub const RESP_WATCHED_MAX: usize = 10_000;
/// How old what a listener knows of slots and leaders may be.
pub const RESP_TOPOLOGY_KEPT: Duration = Duration::from_millis(20);
/// How long a client may take to complete a TLS handshake.
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest file of certificates or keys, in bytes.
pub const TLS_FILE_BYTES_MAX: u64 = 1 << 20;
/// How often those files are looked at for changes.
pub const TLS_FILES_INTERVAL: Duration = Duration::from_secs(5);
/// Bytes a client that speaks plain text where TLS is due may still send, to be thrown away, after it was told so.
pub const TLS_LINGER_BYTES_MAX: usize = 1 << 20;
/// How long that may take.
pub const TLS_LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// Operations the cluster remembers.
pub const OPERATIONS_KEPT_MAX: usize = 64;
/// Nodes of one cluster.
pub const NODES_MAX: usize = 64;
/// Append requests of one group on their way to one peer.
pub const APPENDS_IN_FLIGHT_MAX: usize = 32;
/// How long after a request a commit index waits for entries to travel with.
pub const COMMIT_HELD_MAX: Duration = Duration::from_millis(5);
/// Most bytes of entries whose commit index waits: a follower applies so many in about a tenth of a millisecond.
pub const COMMIT_HELD_BYTES_MAX: usize = 16 << 10;
/// Writes that wait to be sent to one other node: they do for a turn of this node's threads.
pub const FORWARDED_QUEUED_MAX: usize = 4096;
/// How far apart the deadlines of writes may be that travel in one message, which ends at the earliest.
pub const FORWARDED_DEADLINES_WITHIN: Duration = Duration::from_millis(20);
/// How often a node sends every other something, for a heartbeat interval in ms: twice as often.
pub const fn pulse(heartbeat_ms: u64) -> Duration {
    let pulse_ms = heartbeat_ms / 2;
    Duration::from_millis(if pulse_ms == 0 { 1 } else { pulse_ms })
}
/// How long an append may take, the follower's fsync included, before the connection is not trusted.
pub const APPEND_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause before a peer that could not be reached is tried again.
pub const RECONNECT_BACKOFF: Duration = Duration::from_millis(50);
/// Snapshot chunks on their way to one follower.
pub const SNAPSHOT_CHUNKS_IN_FLIGHT_MAX: usize = 4;
/// Bytes of snapshot chunks on their way to one follower; a larger chunk travels alone.
pub const SNAPSHOT_BYTES_IN_FLIGHT_MAX: usize = 2 << 20;
/// How long one chunk of a snapshot may take.
pub const SNAPSHOT_CHUNK_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a receiver keeps an unfinished snapshot of which nothing more comes, and its sender the snapshot.
pub const SNAPSHOT_RESUME_WITHIN: Duration = Duration::from_secs(60);
/// Pause before a snapshot is offered again after an attempt in which no chunk arrived.
pub const SNAPSHOT_RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long a follower may take to install a snapshot it has received.
pub const SNAPSHOT_INSTALL_TIMEOUT: Duration = Duration::from_secs(120);
/// Appends that wait to enter one group's Raft.
pub const APPENDS_QUEUED_MAX: usize = 1024;
/// How often a new leader looks whether it still leads while it waits for its first entry.
pub const LEADERSHIP_POLL: Duration = Duration::from_millis(50);
/// Longest pause between ticks of a group that holds deadlines: how late an expiry may be seen.
pub const TICK_INTERVAL: Duration = Duration::from_secs(1);
/// Shortest pause between two ticks of a group, kept while due keys are left.
pub const TICK_PAUSE_MIN: Duration = Duration::from_millis(1);
/// Pause after a tick that could not be proposed.
pub const TICK_RETRY: Duration = Duration::from_millis(50);
/// Snapshot messages that wait to be written, for each group.
pub const SNAPSHOT_MESSAGES_QUEUED_MAX: usize = 2 * SNAPSHOT_CHUNKS_IN_FLIGHT_MAX;
/// A leader counts as alive while it was heard from, or heard from its quorum, this recently.
pub const HEALTHY_WITHIN: Duration = Duration::from_secs(2);
/// A voter counts as healthy while it acknowledged a heartbeat this recently.
pub const VOTER_ACKED_WITHIN: Duration = Duration::from_millis(500);
/// How often a leader looks whether its heir has taken over.
pub const TRANSFER_POLL: Duration = Duration::from_millis(5);
/// Voters of the meta group; further nodes hold it as learners.
pub const META_VOTERS_MAX: usize = 5;
/// Virtual nodes of each group on the ring.
pub const VIRTUAL_NODES: u32 = 100;
/// How often the other nodes are asked which groups they lead, while clients that route by themselves want to know.
pub const LEADERS_INTERVAL: Duration = Duration::from_millis(500);
/// Pause before a request looks for its group's leader again.
pub const ROUTE_PAUSE: Duration = Duration::from_millis(10);
/// Longest single attempt of a read; it is tried again until its own deadline.
pub const READ_ATTEMPT_MAX: Duration = Duration::from_secs(1);
/// Keys in one page of `GET /v1/kv/{ns}` unless the client says otherwise.
pub const SCAN_LIMIT_DEFAULT: usize = 100;
/// Most keys a client may ask for in one page.
pub const SCAN_LIMIT_MAX: usize = 1000;
/// How often the groups are asked for one page of the HTTP API: few keys may have the prefix.
pub const SCAN_ROUNDS_MAX: usize = 32;
/// Most groups one page of a scan asks: with more, a page covers a part of the slots.
pub const SCAN_GROUPS_MAX: usize = 64;
/// So many keys behind a random place are looked at to draw one.
pub const RANDOM_SAMPLE: usize = 16;
/// A local read whose bound is older has it renewed in the background.
pub const STALE_REFRESH: Duration = Duration::from_millis(100);
/// When a client is told to try again after `no-leader` or `queue-full`, ms.
pub const NO_LEADER_RETRY_AFTER_MS: u64 = 150;
/// How long reading or writing the cluster's own state may take.
pub const META_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a change of the cluster's own state is tried again after another got in between.
pub const META_CONFLICTS_MAX: usize = 20;
/// How often a fresh node asks its seeds.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(200);
/// How long a seed may take to let a node in.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a seed may take to answer.
pub const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a fresh node keeps itself free for the node that wants to found a cluster with it.
pub const FOUNDING_PROMISE: Duration = Duration::from_secs(5);
/// How long a rare question between nodes may take.
pub const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a new replica may take to catch up.
pub const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a leader waits for its heir.
pub const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a running operation's record is refreshed.
pub const OPERATION_BEAT: Duration = Duration::from_secs(10);
/// When a running operation that was not refreshed counts as abandoned.
pub const OPERATION_ABANDONED: Duration = Duration::from_secs(60);
/// How often a node compares what is with what should be.
pub const RECONCILE_INTERVAL: Duration = Duration::from_millis(500);
/// How long a replica without a leader waits before it asks whether it is still wanted.
pub const LONELY_FOR: Duration = Duration::from_secs(10);
/// Voters the meta group gets when it has fewer and there are nodes for it.
pub const META_VOTERS_WANTED: usize = 3;
/// Most log that a group with a large snapshot waits for, in times `snapshot-log`.
pub const SNAPSHOT_LOG_TIMES_MAX: u64 = 4;
/// Changes after which a group takes a snapshot, however little log they take...
pub const SNAPSHOT_CHANGES: u64 = 500_000;
/// ...unless it holds more than so many times as many entries.
pub const SNAPSHOT_CHANGES_PARTS: u64 = 4;
/// Most log kept for a follower that is being sent a snapshot, in times what makes the next snapshot due.
pub const SNAPSHOT_HELD_TIMES_MAX: u64 = 4;
/// A snapshot is not taken for its age alone while what is new is less than one part in so many of it.
pub const SNAPSHOT_WORTH_PARTS: u64 = 64;
/// How often a snapshot is asked for while it is waited for.
pub const SNAPSHOT_ASKED_AGAIN: Duration = Duration::from_secs(1);
/// Longest pause before a snapshot that failed is tried again.
pub const SNAPSHOT_RETRY_MAX: Duration = Duration::from_secs(60);
/// Into so many parts of `snapshot-interval` the groups of a node are spread when it starts.
pub const SNAPSHOT_SPREAD_PARTS: u32 = 16;
/// How long a node that found no peer to give it a snapshot waits before it asks again.
pub const REPAIR_RETRY: Duration = Duration::from_millis(500);
/// How long a snapshot is held ready for a peer that does not ask for more of it.
pub const REPAIR_OFFER_KEPT: Duration = Duration::from_secs(60);
/// How often a starting node logs how far it is.
pub const START_REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How often a node looks at its disk: whether its log still works and how much space is free.
pub const DISK_CHECK_INTERVAL: Duration = Duration::from_millis(50);
/// How often a leader asks the other voters whether their disks are full, and how long it waits for an answer.
pub const PEER_DISKS_INTERVAL: Duration = Duration::from_millis(500);
/// Free space, in segments of the log, below which clients' writes are refused: what Raft's own entries, snapshots
/// and purges still need.
pub const DISK_RESERVE_SEGMENTS: u64 = 2;
/// Free space, in segments of the log, from which on a disk that was full is not any more.
pub const DISK_RESUME_SEGMENTS: u64 = 3;
/// How often in a row a node with a full disk tries to hand one group over.
pub const DISK_HAND_OVERS_MAX: u32 = 5;
/// How often groups are checked for whether a snapshot is due.
pub const SNAPSHOT_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Committed entries a replica may have left to apply, or a learner to receive, and still count as caught up.
pub const CAUGHT_UP_LAG: u64 = 100;
/// How long a node waits for others' parts of a view of the cluster.
pub const VIEW_TIMEOUT: Duration = Duration::from_millis(500);
/// How often a waiting client's operation is looked at.
pub const OPERATION_POLL: Duration = Duration::from_millis(50);
/// Suspend shorter than this, ms, is taken for the time between two clock readings; far below the lease's margin.
pub const SUSPEND_TOLERANCE_MS: u64 = 20;
/// How long after the last lease read a leader still asks for leases: while it does, a new leader waits for one.
pub const LEASE_WANTED_FOR: Duration = Duration::from_secs(2);
/// Voters that see their leader gone ask the others one after the other, so much apart.
pub const SUCCESSION_STAGGER: Duration = Duration::from_millis(2);
/// Pause before a voter asks the others again; doubles up to [`SUCCESSION_RETRY_MAX`].
pub const SUCCESSION_RETRY_MIN: Duration = Duration::from_millis(3);
/// Longest such pause.
pub const SUCCESSION_RETRY_MAX: Duration = Duration::from_millis(100);
/// How long the first candidacy after a leader has before voters ask each other again, by the shortest election timeout;
/// each further term has twice as long.
pub const fn candidacy_patience(election_min_ms: u64) -> Duration {
    Duration::from_millis(election_min_ms.div_ceil(4))
}
/// Terms used up without a leader after which voters stand by openraft's timers alone, so that a cluster too slow for an
/// election does not hold ever more of them.
pub const SUCCESSION_TERMS_MAX: u64 = 3;
/// Most bytes of values in one answer between nodes; what is left over is asked for again.
pub const READ_ANSWER_BYTES_MAX: usize = 16 << 20;
/// Most bytes of values one batch of reads returns; further reads of it answer `too-large`.
pub const READ_BATCH_BYTES_MAX: usize = 64 << 20;
/// Most bytes of commands in one proposal: one of the largest values, and what is around it.
pub const PROPOSAL_BYTES_MAX: usize = raft_store::limits::VALUE_BYTES_CEILING + (1 << 20);
/// Longest a local read waits for its replica's first confirmation.
pub const FIRST_REFRESH_MAX: Duration = Duration::from_millis(200);

// A proposal may share its entry with others and its message with other entries, and must still fit into a frame.
const _: () = assert!(PROPOSAL_BYTES_MAX + 4 * raft_store::limits::PACKED_BYTES_TARGET <= FRAME_BYTES_MAX);
const _: () = assert!(READ_ANSWER_BYTES_MAX <= FRAME_BYTES_MAX);
/// How often a new learner is looked at.
pub const LEARNER_POLL: Duration = Duration::from_millis(20);
/// How long a new learner may stay silent before it is given up.
pub const LEARNER_SILENT_MAX: Duration = Duration::from_secs(15);
/// How often a node that holds no replica of the meta group yet looks for it.
pub const META_POLL: Duration = Duration::from_millis(20);
/// How long the removal of a node waits until the meta group's leader has taken it out there.
pub const META_REMOVAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Tokens of one cluster.
pub const TOKENS_MAX: usize = 1024;
/// Bytes that what is stored of all tokens may take.
pub const TOKENS_BYTES_MAX: usize = 1 << 20;
/// Rules of one token.
pub const TOKEN_RULES_MAX: usize = 32;
/// Longest name of a token or of its user, in bytes.
pub const TOKEN_NAME_BYTES_MAX: usize = 64;
/// Longest text of a rule, in bytes: a prefix is no longer than a key.
pub const TOKEN_RULE_BYTES_MAX: usize = raft_store::limits::KEY_BYTES_MAX + 256;
/// Random bytes of a token's secret.
pub const TOKEN_SECRET_BYTES: usize = 32;
/// Shortest root token, in bytes: 128 bits in hexadecimal digits, or more.
pub const ROOT_TOKEN_BYTES_MIN: usize = 32;
/// Longest token looked at, in bytes.
pub const TOKEN_BYTES_MAX: usize = 512;
/// How often a node asks the meta group whether it knows the newest tokens: how long a revoked one is taken at most
/// while the meta group answers.
pub const TOKENS_CONFIRM_INTERVAL: Duration = Duration::from_secs(1);
/// Pause before a node asks again that does not know the tokens at all yet.
pub const TOKENS_RETRY: Duration = Duration::from_millis(100);
/// How long a node that cannot ask the meta group goes on with the tokens it knows: how long a revoked one is taken at
/// most, whatever fails.
pub const TOKENS_UNCONFIRMED_MAX: Duration = Duration::from_secs(60);
/// Wrong tokens one address may show at once before it is told to wait.
pub const AUTH_FAILURES_MAX: u64 = 20;
/// How long it takes until one of them is forgotten.
pub const AUTH_FAILURE_KEPT: Duration = Duration::from_secs(1);
/// Addresses whose wrong tokens are remembered.
pub const AUTH_ADDRESSES_MAX: usize = 4096;
