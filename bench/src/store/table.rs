//! Tables of figures: aligned text for people, JSON for scripts.

use std::io::Write;

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

/// Decimals of a figure that is no whole number.
const DECIMALS: usize = 2;

/// Rows of figures under named columns; the names are JSON's too.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(title: impl Into<String>, columns: impl IntoIterator<Item = &'static str>) -> Self {
        Self { title: title.into(), columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row, one cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<Value>) {
        assert_eq!(cells.len(), self.columns.len(), "a row of {:?} has as many cells as columns", self.title);
        self.rows.push(cells);
    }

    /// The cell of a column.
    #[cfg(test)]
    pub(crate) fn cell(&self, row: usize, column: &str) -> &Value {
        let at = self.columns.iter().position(|name| *name == column).expect("a column of that name");
        &self.rows[row][at]
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    fn to_json(&self) -> Value {
        let object = |row: &Vec<Value>| {
            let cells = self.columns.iter().zip(row).map(|(name, cell)| ((*name).to_owned(), cell.clone()));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        json!({ "title": self.title, "rows": self.rows.iter().map(object).collect::<Vec<_>>() })
    }

    fn to_text(&self) -> String {
        let head = self.columns.iter().map(|name| (*name).to_owned()).collect();
        let body = self.rows.iter().map(|row| row.iter().map(shown).collect());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in &lines {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  "));
        }
        text
    }
}

fn shown(cell: &Value) -> String {
    match cell {
        Value::Number(number) if number.is_f64() => format!("{:.DECIMALS$}", number.as_f64().unwrap_or(0.0)),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The columns [`quantiles`] fills, µs.
pub(crate) const QUANTILES: [&str; 4] = ["p50_us", "p99_us", "p99.9_us", "max_us"];

/// p50, p99, p99.9 and maximum.
pub(crate) fn quantiles(histogram: &Histogram<u64>) -> Vec<Value> {
    let at = |quantile| json!(histogram.value_at_quantile(quantile));
    vec![at(0.5), at(0.99), at(0.999), json!(histogram.max())]
}

/// Prints tables to stdout: as text, or as one JSON array.
pub(crate) fn print(tables: &[Table], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &tables.iter().map(Table::to_json).collect::<Vec<_>>())?;
        writeln!(out)?;
    } else {
        let texts: Vec<String> = tables.iter().map(Table::to_text).collect();
        out.write_all(texts.join("\n").as_bytes())?;
    }
    Ok(())
}

/// Prints one value as a line of JSON: what a child tells its parent.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    Ok(writeln!(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_aligned_and_json_has_names() {
        let mut table = Table::new("memory", ["keys", "bytes_per_key", "kind"]);
        table.row(vec![json!(1000), json!(12.345), json!("rss")]);
        assert_eq!(table.to_text(), "memory\n  keys  bytes_per_key  kind\n  1000          12.35   rss\n");
        let json =
            json!({"title": "memory", "rows": [{"keys": 1000, "bytes_per_key": 12.345, "kind": "rss"}]});
        assert_eq!(table.to_json(), json);
    }
}
