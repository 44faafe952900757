//! The question of `SEEK`, a page of a group's keys or their number, and its answer.

use bytes::Bytes;
use raft_store::GroupId;
use raft_store::codec::{DecodeError, Decoder, put_bytes, put_option, put_u64, put_varint};
use raft_store::key::{Key, NamespaceId};
use raft_store::map::{Page, Position, SlotSpan, Walk, entry, put_entry};
use raft_store::slot::{SLOTS, Slot};

use super::{consistency, key};
use crate::group::{Sight, Sought, Survey, wire};
use crate::node::Consistency;

/// One look at the keys of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seek {
    pub(crate) group: GroupId,
    pub(crate) consistency: Consistency,
    pub(crate) timeout_ms: u64,
    pub(crate) sought: Sought,
}

/// What was seen, and for a local look how old it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) survey: Survey,
    pub(crate) staleness_ms: Option<u64>,
}

/// The question.
pub(crate) fn put_seek(seek: &Seek) -> Bytes {
    wire::body(seek.group, |out| {
        out.push(seek.consistency as u8);
        put_u64(out, seek.timeout_ms);
        match &seek.sought {
            Sought::Page(walk) => {
                out.push(0);
                put_walk(out, walk);
            }
            Sought::Count(namespace, slots) => {
                out.push(1);
                put_varint(out, (*namespace).into());
                put_slots(out, slots);
            }
        }
    })
}

pub(crate) fn seek(input: &mut Decoder) -> Result<Seek, DecodeError> {
    let group = input.u32()?;
    let (consistency, timeout_ms) = (consistency(input)?, input.u64()?);
    let sought = match input.u8()? {
        0 => Sought::Page(walk(input)?),
        1 => Sought::Count(namespace(input)?, slots(input)?),
        other => return Err(DecodeError::Unknown { what: "look", value: other.into() }),
    };
    Ok(Seek { group, consistency, timeout_ms, sought })
}

/// The answer.
pub(crate) fn put_seen(out: &mut Vec<u8>, seen: &Seen) {
    put_option(out, seen.staleness_ms, put_u64);
    put_u64(out, seen.survey.time_ms);
    match &seen.survey.sight {
        Sight::Page(page) => {
            out.push(0);
            put_page(out, page);
        }
        Sight::Count(count) => {
            out.push(1);
            put_u64(out, *count);
        }
        Sight::NotOwner => out.push(2),
    }
}

pub(crate) fn seen(input: &mut Decoder) -> Result<Seen, DecodeError> {
    let (staleness_ms, time_ms) = (input.option(Decoder::u64)?, input.u64()?);
    let sight = match input.u8()? {
        0 => Sight::Page(page(input)?),
        1 => Sight::Count(input.u64()?),
        2 => Sight::NotOwner,
        other => return Err(DecodeError::Unknown { what: "sight", value: other.into() }),
    };
    Ok(Seen { survey: Survey { time_ms, sight }, staleness_ms })
}

fn put_walk(out: &mut Vec<u8>, walk: &Walk) {
    put_varint(out, walk.namespace.into());
    put_slots(out, &walk.slots);
    put_u64(out, walk.from.to_number());
    put_bytes(out, &walk.prefix);
    put_varint(out, walk.limit as u64);
    put_varint(out, walk.bytes as u64);
    out.push(u8::from(walk.values));
}

fn walk(input: &mut Decoder) -> Result<Walk, DecodeError> {
    Ok(Walk {
        namespace: namespace(input)?,
        slots: slots(input)?,
        from: position(input)?,
        prefix: input.bytes()?.to_vec(),
        limit: usize::try_from(input.varint()?).unwrap_or(usize::MAX),
        bytes: usize::try_from(input.varint()?).unwrap_or(usize::MAX),
        values: input.bool()?,
    })
}

fn put_page(out: &mut Vec<u8>, page: &Page) {
    put_option(out, page.next.map(Position::to_number), put_u64);
    put_option(out, page.deadline, put_u64);
    put_varint(out, page.found.len() as u64);
    for (key, found) in &page.found {
        put_bytes(out, key.as_bytes());
        put_option(out, found.as_ref(), put_entry);
    }
}

fn page(input: &mut Decoder) -> Result<Page, DecodeError> {
    let next = input.option(position)?;
    let deadline = input.option(Decoder::u64)?;
    let one =
        |input: &mut Decoder| -> Result<(Key, _), DecodeError> { Ok((key(input)?, input.option(entry)?)) };
    let found = (0..input.count()?).map(|_| one(input)).collect::<Result<_, _>>()?;
    Ok(Page { found, next, deadline })
}

fn put_slots(out: &mut Vec<u8>, slots: &[SlotSpan]) {
    put_varint(out, slots.len() as u64);
    for (first, last) in slots {
        put_varint(out, (*first).into());
        put_varint(out, (*last).into());
    }
}

fn slots(input: &mut Decoder) -> Result<Vec<SlotSpan>, DecodeError> {
    (0..input.count()?).map(|_| Ok((slot(input)?, slot(input)?))).collect()
}

fn slot(input: &mut Decoder) -> Result<Slot, DecodeError> {
    let slot = Slot::try_from(input.varint()?).ok().filter(|&slot| slot < SLOTS);
    slot.ok_or(DecodeError::Invalid("slot"))
}

fn position(input: &mut Decoder) -> Result<Position, DecodeError> {
    Position::from_number(input.u64()?).ok_or(DecodeError::Invalid("position"))
}

fn namespace(input: &mut Decoder) -> Result<NamespaceId, DecodeError> {
    NamespaceId::try_from(input.varint()?).map_err(|_| DecodeError::Invalid("namespace"))
}
