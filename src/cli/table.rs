//! Columns of text, and numbers as people read them; pure.

/// Blanks between two columns.
const GAP: usize = 2;

/// A table under construction.
#[derive(Debug)]
pub(super) struct Table {
    widths: Vec<usize>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&str]) -> Self {
        let mut table = Self { widths: vec![0; headings.len()], rows: Vec::new() };
        table.row(headings.iter().map(ToString::to_string).collect());
        table
    }

    /// Makes a column at least this wide, so that it stays in place while its numbers change.
    pub(super) fn at_least(mut self, column: usize, width: usize) -> Self {
        self.widths[column] = self.widths[column].max(width);
        self
    }

    /// Adds a row; an empty cell shows as `-`.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        let cells: Vec<String> =
            cells.into_iter().map(|c| if c.is_empty() { "-".into() } else { c }).collect();
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().count());
        }
        self.rows.push(cells);
    }

    /// The text, a line for each row, without blanks at line ends.
    pub(super) fn render(&self) -> String {
        self.rows.iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            line += &format!("{cell:<w$}", w = width + GAP);
        }
        line.trim_end().to_owned() + "\n"
    }
}

/// Bytes in a unit of three digits or so: `512B`, `3.1G`.
pub(super) fn human(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number}{unit}")
}

/// Bytes of a bound: `3.1/8.0G`, and `12.0M/8.0G` when the units differ.
pub(super) fn human_of(bytes: u64, max: u64) -> String {
    let ((number, unit), (number_max, unit_max)) = (scaled(bytes), scaled(max));
    let unit = if unit == unit_max { "" } else { unit };
    format!("{number}{unit}/{number_max}{unit_max}")
}

fn scaled(bytes: u64) -> (String, &'static str) {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return (bytes.to_string(), UNITS[0]);
    }
    let (mut tenths, mut unit) = (u128::from(bytes) * 10, 0);
    // Scaled on until what is shown, rounded to a tenth, stays below 1024.
    while tenths >= 10_235 && unit + 1 < UNITS.len() {
        tenths = (tenths + 512) / 1024;
        unit += 1;
    }
    (format!("{}.{}", tenths / 10, tenths % 10), UNITS[unit])
}

/// A list of ids: `1,2,3`.
pub(super) fn ids(ids: &[u64]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(",")
}

/// A number that may be missing.
pub(super) fn maybe(number: Option<u64>) -> String {
    number.map(|n| n.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let mut table = Table::new(&["ID", "NAME", "ZONE"]).at_least(1, 6);
        table.row(vec!["1".into(), "a".into(), String::new()]);
        table.row(vec!["1000".into(), "b".into(), "eu".into()]);
        let expected = "ID    NAME    ZONE\n1     a       -\n1000  b       eu\n";
        assert_eq!(table.render(), expected);
    }

    #[test]
    fn bytes_are_readable() {
        let table = [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0K"),
            (1536, "1.5K"),
            ((1 << 20) - 1, "1.0M"),
            (4 << 30, "4.0G"),
            (u64::MAX, "16384.0P"),
        ];
        for (bytes, text) in table {
            assert_eq!(human(bytes), text);
        }
        assert_eq!(human_of(3_328_599_654, 8 << 30), "3.1/8.0G");
        assert_eq!(human_of(12 << 20, 8 << 30), "12.0M/8.0G");
    }
}
