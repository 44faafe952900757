//! Points in time as commands give them: seconds or milliseconds, from now or since 1970.
//!
//! The store knows only times from now, told in group time. So a point since 1970 is told against the wall clock of the
//! node that took the command, once.

use bytes::Bytes;

use super::super::plan::Context;
use super::super::value::Value;
use super::args::{integer, is, syntax};

/// How a point in time is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Seconds from now.
    Ex,
    /// Milliseconds from now.
    Px,
    /// Seconds since 1970.
    ExAt,
    /// Milliseconds since 1970.
    PxAt,
}

impl Form {
    /// The form an option's word stands for.
    pub(super) fn named(word: &[u8]) -> Option<Self> {
        let forms = [("ex", Self::Ex), ("px", Self::Px), ("exat", Self::ExAt), ("pxat", Self::PxAt)];
        forms.into_iter().find(|(name, _)| is(word, name)).map(|(_, form)| form)
    }

    /// The point in ms since 1970; `None`: it is out of the range of 64 bits.
    fn at_ms(self, context: &Context, amount: i64) -> Option<i64> {
        let ms = match self {
            Self::Ex | Self::ExAt => amount.checked_mul(1000)?,
            Self::Px | Self::PxAt => amount,
        };
        match self {
            Self::Ex | Self::Px => ms.checked_add_unsigned(context.wall_ms),
            Self::ExAt | Self::PxAt => Some(ms),
        }
    }

    /// Milliseconds from now until the point; 0: it has passed. `command` is named in the error.
    pub(super) fn left_ms(self, context: &Context, amount: &[u8], command: &str) -> Result<u64, Value> {
        let at_ms = self.at_ms(context, integer(amount)?).ok_or_else(|| invalid(command))?;
        Ok(u64::try_from(at_ms).map_or(0, |at_ms| at_ms.saturating_sub(context.wall_ms)))
    }

    /// The same for the commands that take no amount below 1, and write a value with it.
    pub(super) fn lifetime_ms(self, context: &Context, amount: &[u8], command: &str) -> Result<u64, Value> {
        if integer(amount)? < 1 {
            return Err(invalid(command));
        }
        self.left_ms(context, amount, command)
    }
}

/// A point in time among a command's options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeOption {
    pub(super) form: Form,
    pub(super) amount: Bytes,
}

impl TimeOption {
    /// Takes one from the front of `options` into `taken`; what is left of them. A second one counts when it is of the
    /// same form.
    pub(super) fn take_into<'a>(
        taken: &mut Option<Self>,
        options: &'a [Bytes],
    ) -> Result<&'a [Bytes], Value> {
        let [word, amount, rest @ ..] = options else { return Err(syntax()) };
        let form = Form::named(word).ok_or_else(syntax)?;
        if taken.as_ref().is_some_and(|before| before.form != form) {
            return Err(syntax());
        }
        *taken = Some(Self { form, amount: amount.clone() });
        Ok(rest)
    }
}

/// `ERR invalid expire time in '…' command`.
fn invalid(command: &str) -> Value {
    Value::err(format_args!("invalid expire time in '{command}' command"))
}
