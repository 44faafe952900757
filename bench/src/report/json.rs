//! The report as JSON, and back.

use std::io::Write;

use anyhow::ensure;

use super::summary::{FORMAT, Report};

/// Writes a report as one line.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, report)?;
    Ok(writeln!(out)?)
}

/// Reads a report.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Report> {
    let report: Report = serde_json::from_slice(bytes)?;
    ensure!(report.format == FORMAT, "a report of format {}, not {FORMAT}", report.format);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::super::summary::sample;
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let mut bytes = Vec::new();
        write(&sample("quorate", "set", 10.0, Some(12)), &mut bytes).unwrap();
        assert!(bytes.ends_with(b"}\n"));
        let report = read(&bytes).unwrap();
        assert_eq!(report.runs[0].operations[0].per_second, 10.0);
        assert_eq!(report.runs[0].rate, Some(12));
    }

    #[test]
    fn another_format_is_refused() {
        let mut bytes = Vec::new();
        write(&Report { format: 9, ..sample("a", "b", 1.0, None) }, &mut bytes).unwrap();
        assert!(read(&bytes).unwrap_err().to_string().contains("format 9"));
    }
}
