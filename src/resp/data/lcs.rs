//! `LCS`: the longest common subsequence of two values, by the table of the lengths of those of their beginnings
//! (Wagner and Fischer, 1974).

use bytes::Bytes;

use super::super::plan::{Context, Plan, ReadShape};
use super::super::value::Value;
use super::args::{Planned, at_least, integer, is, key, syntax};
use super::spec::{DataCommand, KeyPositions, READ, Spec};
use crate::limits::LCS_CELLS_MAX;

/// The commands of this file.
pub(super) const COMMANDS: &[DataCommand] = &[Spec::new("string", "lcs", -3, READ, KeyPositions::TWO)
    .docs("7.0.0", "O(N*M) for values of N and M bytes", "The longest common subsequence of two values.")
    .differs("Bounded to 4 Mi cells (N*M); keys of two groups are each read at a moment of their own.")
    .planned_by(lcs)];

/// What is asked about the subsequence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Options {
    /// Its length only.
    len: bool,
    /// Where its pieces stand.
    pieces: bool,
    /// Shortest piece told, in bytes.
    piece_len_min: usize,
    /// With the length of each piece.
    with_len: bool,
}

fn lcs(context: &Context, args: &[Bytes]) -> Planned {
    let ([a, b], rest) = at_least(args)?;
    let options = Options::read(rest)?;
    let keys = vec![key(context, a)?, key(context, b)?];
    let shape = ReadShape::new(move |_, found| {
        let mut values =
            found.into_iter().map(|found| found.entry.map(|entry| entry.value).unwrap_or_default());
        let (a, b) = (values.next().unwrap_or_default(), values.next().unwrap_or_default());
        told(&a, &b, options)
    });
    Ok(Plan::Read { keys, shape })
}

impl Options {
    fn read(mut rest: &[Bytes]) -> Result<Self, Value> {
        let mut options = Self::default();
        while let [word, behind @ ..] = rest {
            rest = behind;
            match (word, behind) {
                (word, _) if is(word, "idx") => options.pieces = true,
                (word, _) if is(word, "len") => options.len = true,
                (word, _) if is(word, "withmatchlen") => options.with_len = true,
                (word, [min, behind @ ..]) if is(word, "minmatchlen") => {
                    options.piece_len_min = usize::try_from(integer(min)?).unwrap_or(0);
                    rest = behind;
                }
                _ => return Err(syntax()),
            }
        }
        if options.len && options.pieces {
            return Err(Value::err("If you want both the length and indexes, please just use IDX."));
        }
        Ok(options)
    }
}

fn told(a: &[u8], b: &[u8], options: Options) -> Value {
    let Some(table) = Table::of(a, b) else {
        return Value::err("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    };
    let len = Value::count(table.at(a.len(), b.len()));
    if options.len {
        return len;
    }
    let pieces = table.pieces();
    if options.pieces {
        let long = pieces.iter().filter(|piece| piece.len >= options.piece_len_min);
        let matches = long.map(|piece| piece.told(options.with_len)).collect();
        return Value::Map(vec![(Value::text("matches"), Value::Array(matches)), (Value::text("len"), len)]);
    }
    Value::Bulk(pieces.iter().rev().flat_map(|piece| &a[piece.a..piece.a + piece.len]).copied().collect())
}

/// Lengths of the longest common subsequences of all beginnings of two values.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    lens: Vec<u32>,
}

/// A piece of the subsequence: bytes that stand together in both values.
struct Piece {
    a: usize,
    b: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// `None`: the table would be too large.
    fn of(a: &'a [u8], b: &'a [u8]) -> Option<Self> {
        let cells = (a.len() + 1).checked_mul(b.len() + 1).filter(|cells| *cells <= LCS_CELLS_MAX)?;
        let mut table = Self { a, b, lens: vec![0; cells] };
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                let len = if a[i - 1] == b[j - 1] {
                    table.at(i - 1, j - 1) + 1
                } else {
                    table.at(i - 1, j).max(table.at(i, j - 1))
                };
                // A length is below the number of cells, which is far below what 32 bits hold.
                table.lens[i * (b.len() + 1) + j] = len as u32;
            }
        }
        Some(table)
    }

    fn at(&self, i: usize, j: usize) -> usize {
        self.lens[i * (self.b.len() + 1) + j] as usize
    }

    /// The pieces from the last to the first; of several subsequences the one Redis finds.
    fn pieces(&self) -> Vec<Piece> {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        let mut pieces: Vec<Piece> = Vec::new();
        while i > 0 && j > 0 {
            if self.a[i - 1] != self.b[j - 1] {
                (i, j) = if self.at(i - 1, j) > self.at(i, j - 1) { (i - 1, j) } else { (i, j - 1) };
                continue;
            }
            match pieces.last_mut() {
                Some(piece) if (piece.a, piece.b) == (i, j) => {
                    *piece = Piece { a: i - 1, b: j - 1, len: piece.len + 1 };
                }
                _ => pieces.push(Piece { a: i - 1, b: j - 1, len: 1 }),
            }
            (i, j) = (i - 1, j - 1);
        }
        pieces
    }
}

impl Piece {
    fn told(&self, with_len: bool) -> Value {
        let range = |from: usize| Value::Array(vec![Value::count(from), Value::count(from + self.len - 1)]);
        let mut told = vec![range(self.a), range(self.b)];
        if with_len {
            told.push(Value::count(self.len));
        }
        Value::Array(told)
    }
}
