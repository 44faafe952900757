//! Every bound of the store, by name. A value past one of these is refused, never truncated.

/// Longest key, in bytes, without its namespace.
pub const KEY_BYTES_MAX: usize = 1024;
/// Longest value an adapter accepts unless configured otherwise, in bytes.
pub const VALUE_BYTES_MAX_DEFAULT: usize = 1 << 20;
/// Longest value the store itself accepts, in bytes, whatever the configuration says.
pub const VALUE_BYTES_CEILING: usize = 64 << 20;
/// Longest content type kept with a value, in bytes.
pub const CONTENT_TYPE_BYTES_MAX: usize = 127;
/// Most commands of one transaction, and most keys it watches.
pub const TXN_COMMANDS_MAX: usize = 65_536;
/// Most bytes of values that the reads of one transaction answer, which one message between nodes must carry.
pub const TXN_FOUND_BYTES_MAX: usize = VALUE_BYTES_CEILING;
/// Longest text of a decimal number, in bytes: Redis's bound.
pub const FLOAT_TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// Most digits of a decimal number before its point: those of the largest x87 `long double` but one.
pub const FLOAT_WHOLE_DIGITS_MAX: usize = 4932;
/// Most commands in one packed entry.
pub const PACKED_COMMANDS_MAX: usize = 4096;
/// Packed entries are closed once they hold this many bytes; one larger command still travels alone.
pub const PACKED_BYTES_TARGET: usize = 1 << 20;
/// A received entry smaller than this is copied out of its read buffer.
pub const DETACHED_BYTES_MAX: usize = 16 << 10;
/// Longest time to live, in milliseconds (100 years): larger ones are refused.
pub const TTL_MS_MAX: u64 = 100 * 365 * 24 * 3600 * 1000;
/// Most expired keys one applied entry removes whatever it holds.
pub const EXPIRED_REMOVED_PER_ENTRY: usize = 64;
/// Most expired keys one applied entry removes on top for each of its commands.
pub const EXPIRED_REMOVED_PER_COMMAND: usize = 2;
/// One of so many expired keys not removed yet goes on top of that with each applied entry.
pub const EXPIRED_PENDING_SHARE: usize = 32;
/// Most expired keys that go as such a share: it bounds how long one applied entry takes.
pub const EXPIRED_PENDING_REMOVED_MAX: usize = 2048;
/// Most keys in one page of a walk over a map, but for those that share the last one's position.
pub const SCAN_KEYS_MAX: usize = 4096;
/// Most entries one page looks at, shown or not: they are looked at under the map's lock.
pub const SCAN_VISITED_MAX: usize = 8192;
/// A page of a walk is closed before it holds more bytes of keys and values than this; its first value comes
/// whatever its size.
pub const SCAN_BYTES_MAX: usize = 8 << 20;
/// Bytes of encoded entries in one snapshot chunk before compression. A little less than a power of two: the
/// database stores two chunks in a slot of 2^n or 3 × 2^n bytes, and two that do not compress just fit so.
pub const SNAPSHOT_CHUNK_BYTES: usize = 252 << 10;
/// Largest snapshot chunk the snapshot store takes, in bytes before compression: one value of the largest
/// size with room for its entry and the chunk's framing.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = VALUE_BYTES_CEILING + (1 << 20);
/// Snapshot bytes written before the snapshot store flushes on its own.
pub const SNAPSHOT_UNFLUSHED_BYTES_MAX: usize = 8 << 20;
/// Snapshot bytes written before the snapshot store opens its database afresh to get their memory back.
pub const SNAPSHOT_RESIDENT_BYTES_MAX: usize = 64 << 20;
/// Memory for snapshot chunks that were read, in bytes.
pub const SNAPSHOT_CACHE_BYTES: usize = 16 << 20;
/// Room on the disk that snapshots leave free, in bytes: for the database's bookkeeping, and the log.
pub const SNAPSHOT_ROOM_KEPT_BYTES: u64 = 16 << 20;
/// How often in one life of a process the snapshot database may be given up with writes in it after a full
/// disk. Each time keeps about 80 open files and its memory, whose bound is halved each time, down to an eighth:
/// all together keep less than three times `SNAPSHOT_RESIDENT_BYTES_MAX`. Then snapshots rest until a restart.
pub const SNAPSHOT_ABANDONED_MAX: u32 = 8;
/// The snapshot database is rewritten when its files take more than this many times what is stored in it...
pub const SNAPSHOT_DISK_FACTOR_MAX: u64 = 3;
/// ...and this many bytes.
pub const SNAPSHOT_DISK_SLACK_BYTES: u64 = 64 << 20;
/// Bytes of memory of a map for one of its first snapshot, as the room for that is guessed.
pub const SNAPSHOT_MEMORY_FOR_ONE_BYTE: u64 = 2;
/// How often making a received snapshot the current one is tried while the disk is full, a second apart.
pub const SNAPSHOT_INSTALL_TRIES_MAX: u32 = 60;
/// Most groups of one cluster, the meta group included.
pub const GROUPS_MAX: u32 = 1025;

const _: () = assert!(VALUE_BYTES_MAX_DEFAULT <= VALUE_BYTES_CEILING);
