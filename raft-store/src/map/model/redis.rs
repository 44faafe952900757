//! The commands of the Redis protocol in the model.

use num_bigint::{BigInt, BigUint, Sign};

use super::*;

impl Model {
    pub(super) fn txn(&mut self, c: &Txn) -> Result<Reply, Rejection> {
        for (key, version) in &c.watched {
            let current = self.visible(key).map(|entry| entry.version);
            if current != *version {
                return Err(Rejection::VersionMismatch { current });
            }
        }
        let replies = c.commands.iter().map(|c| self.command(c).unwrap_or_else(Reply::Rejected));
        Ok(Reply::Many(replies.collect()))
    }

    pub(super) fn branch(&mut self, c: &Branch) -> Result<Reply, Rejection> {
        let succeeded = c.compared.iter().all(|(key, condition)| self.current(key, *condition).is_ok());
        let chosen = if succeeded { &c.then } else { &c.otherwise };
        let replies = chosen.iter().map(|c| self.command(c).unwrap_or_else(Reply::Rejected)).collect();
        Ok(Reply::Branched { succeeded, replies })
    }

    pub(super) fn expire(&mut self, c: &Expire) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, Condition::None)?.ok_or(Rejection::Missing)?;
        let new = self.time_ms.saturating_add(c.ttl_ms).min((1 << 48) - 1);
        let allowed = match (c.only, old.deadline) {
            (ExpireOnly::Always, _) => true,
            (ExpireOnly::WithoutDeadline | ExpireOnly::Sooner, None) => true,
            (ExpireOnly::WithDeadline | ExpireOnly::Later | ExpireOnly::SoonerThanOne, None) => false,
            (ExpireOnly::WithoutDeadline, Some(_)) => false,
            (ExpireOnly::WithDeadline, Some(_)) => true,
            (ExpireOnly::Later, Some(old)) => new > old,
            (ExpireOnly::Sooner | ExpireOnly::SoonerThanOne, Some(old)) => new < old,
        };
        match (allowed, c.ttl_ms) {
            (false, _) => Err(Rejection::Unmet),
            (true, 0) => self.delete(&Delete { key: c.key.clone(), condition: Condition::None }),
            (true, _) => self.deadline(&c.key, Condition::None, Some(new)),
        }
    }

    pub(super) fn set_range(&mut self, c: &SetRange) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, Condition::None)?;
        if c.value.is_empty() {
            return Ok(Reply::Length(old.map_or(0, |old| old.value.len() as u64)));
        }
        let mut bytes = old.as_ref().map_or(Vec::new(), |old| old.value.to_vec());
        let offset = if c.offset == SetRange::AT_END { bytes.len() as u64 } else { c.offset };
        if offset.saturating_add(c.value.len() as u64).max(bytes.len() as u64) > c.len_max.min(64 << 20) {
            return Err(Rejection::TooLarge);
        }
        for (byte, at) in c.value.iter().zip(offset as usize..) {
            while bytes.len() <= at {
                bytes.push(0);
            }
            bytes[at] = *byte;
        }
        self.edited(&c.key, old, bytes)
    }

    pub(super) fn set_bit(&mut self, c: &SetBit) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, Condition::None)?;
        let mut bytes = old.as_ref().map_or(Vec::new(), |old| old.value.to_vec());
        let (at, mask) = (c.offset >> 3, 1 << (7 - (c.offset & 7)));
        let was = bytes.get(at as usize).map(|byte| byte & mask > 0);
        if was == Some(c.bit) {
            return Ok(Reply::Bit(c.bit));
        }
        if at.max(bytes.len() as u64 - u64::from(was.is_some())) >= c.len_max.min(64 << 20) {
            return Err(Rejection::TooLarge);
        }
        while bytes.len() as u64 <= at {
            bytes.push(0);
        }
        bytes[at as usize] = bytes[at as usize] & !mask | if c.bit { mask } else { 0 };
        self.edited(&c.key, old, bytes)?;
        Ok(Reply::Bit(was.unwrap_or(false)))
    }

    fn edited(&mut self, key: &Key, old: Option<Entry>, bytes: Vec<u8>) -> Result<Reply, Rejection> {
        let content = match old.as_ref().map_or(Content::Octets, |old| old.content.clone()) {
            Content::Json => Content::Octets,
            Content::Text if String::from_utf8(bytes.clone()).is_err() => Content::Octets,
            other => other,
        };
        let deadline = old.as_ref().and_then(|old| old.deadline);
        let created_ms = old.map_or(self.time_ms, |old| old.created_ms);
        let (value, modified_ms) = (bytes.into(), self.time_ms);
        self.store(key, Entry { value, content, version: 0, deadline, created_ms, modified_ms }, None)
    }

    /// With numbers in units of the last decimal of either, as many of them as there are.
    pub(super) fn incr_float(&mut self, c: &IncrFloat) -> Result<Reply, Rejection> {
        let old = self.current(&c.key, Condition::None)?.unwrap_or(Entry {
            value: Bytes::from_static(b"0"),
            content: Content::Json,
            version: 0,
            deadline: None,
            created_ms: self.time_ms,
            modified_ms: 0,
        });
        let numbers = [&old.value, &c.by].map(|text| number(text).ok_or(Rejection::NotAFloat));
        let [(old_units, old_places), (by, by_places)] = [numbers[0].clone()?, numbers[1].clone()?];
        let places = old_places.max(by_places).max(DECIMALS);
        let sum = old_units * power(places - old_places) + by * power(places - by_places);
        let rounded = half_to_even(sum.magnitude(), &power(places - DECIMALS));
        let digits = format!("{rounded:018}");
        let (whole, decimals) = digits.split_at(digits.len() - DECIMALS);
        let sign = if sum.sign() == Sign::Minus && rounded != BigUint::ZERO { "-" } else { "" };
        let text = format!("{sign}{whole}.{decimals}");
        let value = Bytes::from(text.trim_end_matches('0').trim_end_matches('.').to_owned());
        self.store(&c.key, Entry { value: value.clone(), modified_ms: self.time_ms, ..old }, Some(value))
    }

    pub(super) fn rename(&mut self, c: &Rename) -> Result<Reply, Rejection> {
        let entry = self.current(&c.from, Condition::None)?.ok_or(Rejection::Missing)?;
        if c.if_absent && self.visible(&c.to).is_some() {
            return Err(Rejection::Unmet);
        }
        if c.from == c.to {
            let (version, deadline, len) = (entry.version, entry.deadline, entry.value.len() as u64);
            return Ok(Reply::Written(Written { version, created: false, deadline, value: None, len }));
        }
        let written = self.store(&c.to, Entry { modified_ms: self.time_ms, ..entry }, None)?;
        self.entries.remove(&c.from);
        self.version += 1;
        Ok(written)
    }

    pub(super) fn copy(&mut self, c: &Copy) -> Result<Reply, Rejection> {
        let entry = self.current(&c.from, Condition::None)?.ok_or(Rejection::Missing)?;
        let replaced = self.visible(&c.to);
        if c.from == c.to || replaced.is_some() && !c.replace {
            return Err(Rejection::Unmet);
        }
        let (created_ms, modified_ms) = (replaced.map_or(self.time_ms, |old| old.created_ms), self.time_ms);
        self.store(&c.to, Entry { created_ms, modified_ms, ..entry }, None)
    }

    pub(super) fn flush(&mut self, namespace: u16) -> Result<Reply, Rejection> {
        let before = self.entries.len();
        self.entries.retain(|key, _| key.namespace() != namespace);
        self.version += u64::from(self.entries.len() < before);
        Ok(Reply::Done)
    }
}

const DECIMALS: usize = 17;

/// A plain decimal number in units of its last decimal, and how many decimals it has.
fn number(text: &[u8]) -> Option<(BigInt, usize)> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, decimals].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let units: BigInt = digits.parse().ok()?;
    Some((if text.starts_with('-') { -units } else { units }, decimals.len()))
}

fn power(places: usize) -> BigInt {
    BigInt::from(10).pow(places as u32)
}

fn half_to_even(units: &BigUint, unit: &BigInt) -> BigUint {
    let unit = unit.magnitude();
    let (whole, twice) = (units / unit, units % unit * 2_u8);
    let up = twice > *unit || twice == *unit && &whole % 2_u8 == BigUint::from(1_u8);
    whole + u8::from(up)
}
